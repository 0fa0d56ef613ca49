import { answerInputs, type Messaging } from '@gantry/messaging';
import type { InputMessage, Outcome } from '@gantry/protocol';

const QUIET_MS = 300;

/** Answers inputs that will never run, so that nobody waits for them for ever. */
export class FailedInputs {
  readonly #messaging: Messaging;

  constructor(messaging: Messaging) {
    this.#messaging = messaging;
  }

  /** Answers every unfinished input of a pool, and drops them. For pools in which nothing runs. */
  async failAll(pool: string, outcome: Outcome): Promise<number> {
    const { inputs } = this.#messaging;
    const failed = await answerInputs(this.#messaging, inputs.readPool(pool), outcome);
    if (failed > 0) await inputs.purgePool(pool);
    return failed;
  }

  /** Answers the inputs that nobody has. What runs goes on. */
  async failWaiting(pool: string, outcome: Outcome): Promise<void> {
    const { inputs } = this.#messaging;
    const { waiting } = await inputs.backlog(pool);
    if (waiting === 0) return;
    const under: Promise<unknown>[] = [];
    let heardAtMs = Date.now();
    const pull = inputs.openPull(pool, (delivery) => {
      heardAtMs = Date.now();
      under.push(answerInputs(this.#messaging, once(delivery.message), outcome).then(() => delivery.ack()));
      pull.ask(1);
    });
    pull.ask(Math.min(waiting, 256));
    while (Date.now() - heardAtMs < QUIET_MS)
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS / 3));
    pull.close();
    await Promise.all(under);
  }
}

async function* once(input: InputMessage): AsyncGenerator<InputMessage> {
  yield input;
}

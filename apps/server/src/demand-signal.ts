import type { Messaging } from '@gantry/messaging';
import { type ClassParameters, type DemandMessage, type PoolOptions, subjects } from '@gantry/protocol';

const AT_MOST_EVERY_MS = 50;

/** Inputs that went into a pool. */
export interface AcceptedInputs {
  pool: string;
  functionId: string;
  parameters: ClassParameters;
  options?: PoolOptions | undefined;
  inputs: number;
}

/**
 * Tells the scheduler that inputs were accepted: at once for a pool that was quiet, and at most every 50 ms
 * for a busy one, so that heavy traffic costs twenty messages a second.
 */
export class DemandSignal {
  readonly #messaging: Messaging;
  readonly #from: string;
  readonly #pools = new Map<string, { message: DemandMessage; timer: NodeJS.Timeout }>();

  constructor({ messaging, from }: { messaging: Messaging; from: string }) {
    this.#messaging = messaging;
    this.#from = from;
  }

  add({ pool, functionId, parameters, options, inputs }: AcceptedInputs): void {
    const waiting = this.#pools.get(pool);
    if (waiting) {
      waiting.message.inputs += inputs;
      return;
    }
    const message: DemandMessage = {
      pool,
      functionId,
      parameters,
      ...(options && { options }),
      inputs,
      waitingRequests: 0,
      from: this.#from,
    };
    this.#messaging.publish(subjects.demand, message);
    message.inputs = 0;
    this.#pools.set(pool, { message, timer: setTimeout(() => this.#again(pool), AT_MOST_EVERY_MS) });
  }

  close(): void {
    for (const { timer } of this.#pools.values()) clearTimeout(timer);
    this.#pools.clear();
  }

  #again(pool: string): void {
    const waiting = this.#pools.get(pool);
    this.#pools.delete(pool);
    if (!waiting || waiting.message.inputs === 0) return;
    const { functionId, parameters, options, inputs } = waiting.message;
    this.add({ pool, functionId, parameters, options, inputs });
  }
}

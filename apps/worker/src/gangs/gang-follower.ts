import type {
  ClusterInfo,
  ContainerExit,
  GangMessage,
  InputMessage,
  Outcome,
  WorkerToRunner,
} from '@gantry/protocol';

import type { InputSurroundings } from '../containers/container-inputs.ts';
import type { ContainerProcessListener } from '../containers/container-process.ts';
import { AssignedInput } from '../inputs/assigned-input.ts';
import type { GangLink } from './gang-link.ts';
import type { GangPart } from './gang-part.ts';
import { type GangOptions, GangTies } from './gang-ties.ts';

const NO_VALUE: Outcome = { type: 'value', value: new Uint8Array() };

/** A container of a gang that does not lead it: it gets its inputs from the leader, and answers to that alone. */
export class GangFollower implements GangPart {
  readonly follows = true;
  readonly inputs: Partial<InputSurroundings>;
  readonly #options: GangOptions;
  readonly #ties: GangTies;
  readonly #link: GangLink;
  #send: (message: WorkerToRunner) => void = () => undefined;

  constructor(options: GangOptions) {
    this.#options = options;
    this.#ties = new GangTies(options, (_from, message) => this.#receive(message));
    this.#link = this.#ties.link;
    this.inputs = {
      // Its leader has the lease, and says when time is up.
      watch: { holdsLease: () => true, releaseIfDone: () => undefined },
      settlement: {
        finished: ({ message }, _site, { outcome, times }) =>
          this.#answer(message.inputId, outcome, times.finishedAtMs),
        giveBack: (input) => this.#answer(input.message.inputId, undefined),
        timedOut: () => undefined,
        cancel: () => undefined,
        // The leader hears of the end of the container.
        crashed: () => false,
      },
    };
  }

  info(address: string): Promise<ClusterInfo> {
    return this.#ties.info(address);
  }

  listen(
    listener: ContainerProcessListener,
    send: (message: WorkerToRunner) => void,
  ): ContainerProcessListener {
    this.#send = send;
    return {
      ...listener,
      onMessage: (message) => {
        if (message.type === 'stopFetching') return this.#link.tell(0, { type: 'stopFetching' });
        listener.onMessage(message);
        if (message.type !== 'ready') return;
        this.#link.isUp = true;
        this.#link.tell(0, { type: 'ready' });
      },
    };
  }

  sending({ type }: WorkerToRunner): void {
    if (type === 'preempt') this.#link.tell(0, { type: 'preempting' });
  }

  ended({ reason, message = reason, error }: ContainerExit): void {
    this.#link.tell(0, { type: 'ended', reason, message, error });
    this.#link.close();
  }

  #receive(message: GangMessage): void {
    const host = this.#options.host();
    switch (message.type) {
      case 'run':
        return this.#run(message.input);
      case 'abort':
        return this.#send({ type: 'abort', inputId: message.inputId, reason: message.reason });
      case 'preempting':
        return host.preempt('rank 0 of its gang is preempted');
      case 'ended':
        if (message.reason === 'stopped') return host.stop('its gang ends');
        return host.kill('killed', `rank 0 of its gang ended: ${message.message}`);
      default:
    }
  }

  #run(message: InputMessage): void {
    const host = this.#options.host();
    if (host.status.state !== 'ready') return this.#answer(message.inputId, undefined);
    const nothing = (): void => undefined;
    const delivery = {
      ...{ message, deliveries: 1, ack: nothing, retryNow: nothing, retryAfter: nothing },
      extend: () => Promise.resolve(),
    };
    host.run(new AssignedInput(delivery, 0));
  }

  // What it returns counts for nothing, so it stays here.
  #answer(inputId: string, outcome: Outcome | undefined, finishedAtMs = Date.now()): void {
    const tell = (told: Outcome | undefined): void =>
      this.#link.tell(0, { type: 'output', inputId, outcome: told, finishedAtMs });
    if (outcome === undefined) return tell(undefined);
    if (outcome.type === 'value') return tell(NO_VALUE);
    const { payloads } = this.#options;
    if (!payloads.isLarge(outcome)) return tell(outcome);
    payloads.storeOutcome(outcome).then(tell, () => tell(undefined));
  }
}

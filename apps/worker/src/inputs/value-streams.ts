import { subjects, type CreditMessage, type WorkerToRunner } from '@gantry/protocol';
import type { Messaging } from '@gantry/messaging';

import type { Clock } from '../clock.ts';
import type { AssignedInput } from './assigned-input.ts';
import type { Payloads } from './payloads.ts';
import { ValueStream } from './value-stream.ts';

/** Consumers say something every 5 s. A client tries for 120 s to reconnect, so one that is silent for longer is gone. */
const CONSUMER_GONE_MS = 180_000;
const CHECK_EVERY_MS = 10_000;

export interface ValueStreamsOptions {
  workerId: string;
  messaging: Pick<Messaging, 'publish' | 'subscribe'>;
  payloads: Payloads;
  clock: Clock;
  /** Called once for a generator whose consumer is gone. */
  onAbandoned(callId: string): void;
}

/** The generators that run on this worker, by call: what their consumers say finds its way to them. */
export class ValueStreams {
  readonly #options: ValueStreamsOptions;
  readonly #streams = new Map<string, ValueStream>();
  /** When the consumer of a call last said something, by the monotonic clock. */
  readonly #heardAtMs = new Map<string, number>();
  #subscriptions: { stop(): void }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ValueStreamsOptions) {
    this.#options = options;
  }

  /** Starts to listen to consumers. */
  start(): void {
    const { messaging, workerId } = this.#options;
    this.#subscriptions = [subjects.credits, subjects.credit(workerId)].map((subject) =>
      messaging.subscribe<CreditMessage>(subject, (credit) => this.#credit(credit)),
    );
  }

  /** The values of an input that a container is about to run. */
  open(input: AssignedInput, toRunner: (message: WorkerToRunner) => void): ValueStream {
    const { messaging, payloads, workerId } = this.#options;
    const { callId } = input.message;
    const subject = subjects.values(callId);
    const stream = new ValueStream({
      ...{ input, payloads, workerId, toRunner },
      publish: (message) => messaging.publish(subject, message),
      onClose: () => {
        // The next attempt may have begun here already.
        if (this.#streams.get(callId) === stream) this.#forget(callId);
      },
    });
    this.#streams.set(callId, stream);
    this.#heardAtMs.set(callId, this.#options.clock.monotonicMs());
    this.#timer ??= setInterval(() => this.sweep(), CHECK_EVERY_MS);
    return stream;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
    clearInterval(this.#timer);
  }

  /** One turn of the timer, which runs only while there are generators. */
  sweep(): void {
    const { clock, onAbandoned } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const [callId, heardAtMs] of this.#heardAtMs) {
      if (nowMs - heardAtMs < CONSUMER_GONE_MS) continue;
      this.#heardAtMs.delete(callId);
      onAbandoned(callId);
    }
  }

  #credit(credit: CreditMessage): void {
    const stream = this.#streams.get(credit.callId);
    if (!stream) return;
    this.#heardAtMs.set(credit.callId, this.#options.clock.monotonicMs());
    stream.credit(credit);
  }

  #forget(callId: string): void {
    this.#streams.delete(callId);
    this.#heardAtMs.delete(callId);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

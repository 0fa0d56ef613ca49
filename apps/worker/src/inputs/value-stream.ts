import {
  encodeFrame,
  LIMITS,
  type CreditMessage,
  type Payload,
  type StreamEnd,
  type ValuesMessage,
  type WorkerToRunner,
} from '@gantry/protocol';

import type { AssignedInput } from './assigned-input.ts';
import type { Payloads } from './payloads.ts';

export interface ValueStreamOptions {
  input: AssignedInput;
  payloads: Payloads;
  workerId: string;
  publish(message: ValuesMessage): void;
  toRunner(message: WorkerToRunner): void;
  onClose(): void;
}

/** `payload` is missing while a large value is on its way to the blob store. */
interface HeldValue {
  payload: Payload | undefined;
}

/**
 * The values of one generator, from its container to its consumer.
 *
 * Invariants
 *   V1. `#held` are the values from `#first` on, without gaps: those that the consumer is not known to have
 *       taken. They can be sent again, and what is left of them at the end becomes part of the output.
 *   V2. Values are published in order; those that arrive in one turn of the event loop leave together.
 *   V3. Nothing leaves for an input whose lease is lost.
 */
export class ValueStream {
  readonly #options: ValueStreamOptions;
  readonly #uploads: Promise<void>[] = [];
  #held: HeldValue[] = [];
  #first = 0;
  #count = 0;
  /** Number of the next value to publish. */
  #next = 0;
  #isScheduled = false;
  #closed = false;

  constructor(options: ValueStreamOptions) {
    this.#options = options;
  }

  /** The container yielded a value. */
  add(seq: number, value: Uint8Array): void {
    this.#count = seq + 1;
    // The consumer has it from an attempt before.
    if (seq < this.#first) return;
    const held: HeldValue = { payload: value };
    this.#held.push(held);
    if (value.length > LIMITS.inlinePayloadBytes) this.#upload(held, value);
    this.#schedule();
  }

  /** Tells how far the consumer is, and perhaps what it lacks. */
  credit({ taken, againFrom }: CreditMessage): void {
    if (this.#closed) return;
    if (taken > this.#first) {
      this.#held = this.#held.slice(taken - this.#first);
      this.#first = taken;
    }
    this.#options.toRunner({ type: 'credit', inputId: this.#options.input.message.inputId, taken });
    if (againFrom === undefined || againFrom >= this.#next) return;
    this.#next = againFrom;
    this.#schedule();
  }

  /**
   * What the output says about the values.
   *
   * @throws The blob store's error, if a value could not be stored: the input has to run again then.
   */
  async end(): Promise<StreamEnd> {
    await Promise.all(this.#uploads);
    const first = Math.min(this.#first, this.#count);
    const tail = this.#held.flatMap(({ payload }) => payload ?? []);
    const inline = tail.reduce((sum, payload) => sum + inlineBytes(payload), 0);
    if (inline <= LIMITS.inlinePayloadBytes) return { count: this.#count, first, tail };
    const stored = await this.#options.payloads.store(encodeFrame(tail));
    return { count: this.#count, first, tail: stored instanceof Uint8Array ? tail : stored };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClose();
  }

  #upload(held: HeldValue, value: Uint8Array): void {
    const { payloads, toRunner, input } = this.#options;
    held.payload = undefined;
    const upload = payloads.store(value).then((payload) => {
      held.payload = payload;
      this.#schedule();
    });
    this.#uploads.push(upload);
    // Its output will fail for the same reason, and the input runs again.
    upload.catch(() => {
      toRunner({ type: 'abort', inputId: input.message.inputId, reason: 'cancelled' });
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After all messages of the frame that is being read, and before anything else.
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#next = Math.max(this.#next, this.#first);
    while (!this.#closed && !this.#options.input.lost) {
      const batch = this.#batch();
      if (batch.length === 0) return;
      const { callId, inputId } = this.#options.input.message;
      const { workerId: source, publish } = this.#options;
      publish({ type: 'values', callId, inputId, first: this.#next, values: batch, source });
      this.#next += batch.length;
    }
  }

  /** The values that leave next, in one message. */
  #batch(): Payload[] {
    const batch: Payload[] = [];
    let bytes = 0;
    for (let at = this.#next - this.#first; at < this.#held.length; at++) {
      const payload = this.#held[at]?.payload;
      if (payload === undefined) break;
      bytes += inlineBytes(payload);
      if (batch.length > 0 && bytes > LIMITS.inlinePayloadBytes) break;
      batch.push(payload);
    }
    return batch;
  }
}

function inlineBytes(payload: Payload): number {
  return payload instanceof Uint8Array ? payload.length : 0;
}

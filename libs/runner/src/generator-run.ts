import {
  encodeValue,
  InvalidError,
  LIMITS,
  RequestSizeError,
  STREAM_WINDOW,
  toWireError,
  type Outcome,
  type RunnerToWorker,
} from '@gantry/protocol';

import { outcomeOfResult, outcomeOfUnsendable } from './result-outcome.ts';
import { outcomeOfThrown } from './thrown-value.ts';

/** Code that never waits gives the event loop a turn this often, so that its values and aborts get through. */
const TURN_EVERY_MS = 1;

type AnyIterator = AsyncIterator<unknown> | Iterator<unknown>;

export interface GeneratorRunOptions {
  inputId: string;
  /** What the user's method returned. */
  result: unknown;
  send(message: RunnerToWorker): void;
}

/**
 * Iterates over what a generator yields, no further ahead of its consumer than the window allows.
 *
 * Invariants
 *   Y1. Values are sent in the order and at the time they are yielded; the outcome comes after the last one.
 *   Y2. The next value is asked for only while there is room in the window.
 *   Y3. When the iteration ends early (abort, a value that cannot be sent), `return()` is called, once, so that
 *       `finally` blocks run; the outcome waits for it.
 */
export class GeneratorRun {
  readonly #options: GeneratorRunOptions;
  /** Sizes of the values that are not taken yet, the oldest first. */
  readonly #sizes: number[] = [];
  #bytes = 0;
  #taken = 0;
  #abortReason: Error | undefined;
  #iterator: AnyIterator | undefined;
  #returned: unknown;
  #hasReturned = false;
  /** The generator's code runs, or waits. */
  #isPending = false;
  #wake: (() => void) | undefined;
  #turnAtMs = 0;

  constructor(options: GeneratorRunOptions) {
    this.#options = options;
  }

  /** The consumer has taken this many values. */
  credit(taken: number): void {
    // After a new start the consumer is perhaps ahead of this run: there is room until it is caught up with.
    while (this.#taken < taken) {
      this.#bytes -= this.#sizes.shift() ?? 0;
      this.#taken++;
    }
    this.#wake?.();
  }

  /** Ends the iteration at its next `yield`. */
  abort(reason: Error): void {
    this.#abortReason = reason;
    // An async generator takes note of it when it yields; another iterator may end what it waits for.
    if (this.#isPending) Promise.resolve(this.#return()).catch(() => undefined);
    this.#wake?.();
  }

  /** Never rejects. */
  async run(): Promise<Outcome> {
    try {
      this.#iterator = iteratorOf(this.#options.result);
    } catch (error) {
      return outcomeOfUnsendable(error);
    }
    try {
      return await this.#iterate(this.#iterator);
    } catch (thrown) {
      return outcomeOfThrown(thrown);
    }
  }

  async #iterate(iterator: AnyIterator): Promise<Outcome> {
    this.#turnAtMs = performance.now();
    for (let seq = 0; ; seq++) {
      await this.#room(seq);
      const pending = this.#abortReason ? undefined : iterator.next();
      this.#isPending = true;
      const step = isThenable(pending) ? await pending : pending;
      this.#isPending = false;
      if (this.#abortReason && step?.done !== true) return this.#leave(failure(this.#abortReason));
      try {
        if (step?.done) return outcomeOfResult(step.value);
        this.#send(seq, step?.value);
      } catch (error) {
        return this.#leave(outcomeOfUnsendable(error));
      }
    }
  }

  async #leave(outcome: Outcome): Promise<Outcome> {
    await this.#return();
    return outcome;
  }

  #return(): unknown {
    if (this.#hasReturned) return this.#returned;
    this.#hasReturned = true;
    return (this.#returned = this.#iterator?.return?.(undefined));
  }

  #send(seq: number, yielded: unknown): void {
    const { inputId, send } = this.#options;
    const value = encodeValue(yielded, `value ${seq}`);
    if (value.length > LIMITS.payloadBytes) {
      throw new RequestSizeError(`value ${seq} of the generator takes ${value.length} bytes`, {
        hint: `One value may take ${LIMITS.payloadBytes / 1_000_000} MB: yield it in pieces.`,
      });
    }
    // Beyond `#taken` only: what the consumer has already, from a run before, takes no room.
    if (seq >= this.#taken) {
      this.#sizes.push(value.length);
      this.#bytes += value.length;
    }
    send({ type: 'value', inputId, seq, value });
  }

  async #room(seq: number): Promise<void> {
    if (performance.now() - this.#turnAtMs >= TURN_EVERY_MS) await this.#turn();
    while (this.#isFull(seq) && !this.#abortReason) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#turnAtMs = performance.now();
    }
  }

  #isFull(seq: number): boolean {
    return seq - this.#taken >= STREAM_WINDOW.values || this.#bytes >= STREAM_WINDOW.bytes;
  }

  async #turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#turnAtMs = performance.now();
  }
}

function failure(error: unknown): Outcome {
  return { type: 'failure', failure: toWireError(error) };
}

function iteratorOf(result: unknown): AnyIterator {
  if (typeof result === 'object' && result !== null) {
    if (Symbol.asyncIterator in result) return (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in result) return (result as Iterable<unknown>)[Symbol.iterator]();
  }
  throw new InvalidError('the function was called as a generator, but returned nothing to iterate over', {
    hint: 'Deploy again: its code and its manifest differ.',
  });
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === 'function';
}

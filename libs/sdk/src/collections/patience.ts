import { COLLECTION_LIMITS, InvalidError } from '@gantry/protocol';

import { currentSignal } from '../context.ts';
import { shown } from './collection-handle.ts';

export interface WaitOptions {
  /** Wait at all. @defaultValue true */
  block?: boolean | undefined;
  /** How long to wait at most. @defaultValue forever */
  timeoutMs?: number | undefined;
  /** Ends the waiting: its reason is thrown. In a container the signal of the running input does, too. */
  signal?: AbortSignal | undefined;
}

/** How long something is waited for, over several questions to the platform. */
export class Patience {
  readonly #untilMs: number;
  readonly #signal: AbortSignal | undefined;

  /**
   * @param name - What its user calls the time.
   * @throws InvalidError for what is no time of 0 or more.
   */
  constructor({ block = true, timeoutMs = Infinity, signal }: WaitOptions, name = 'timeoutMs') {
    if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0))
      throw new InvalidError(`${name} is ${shown(timeoutMs)}, and must be a number of 0 or more`);
    this.#untilMs = block ? performance.now() + timeoutMs : -Infinity;
    // Who waits for an input that is cancelled must take nothing for it any more.
    const signals = [signal, currentSignal()].filter((each) => each !== undefined);
    this.#signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  }

  /** Asks until the answer is good; undefined when the time is over. It is asked once in any case. */
  async poll<T>(ask: (waitMs: number) => Promise<T>, isGood: (answer: T) => boolean): Promise<T | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const leftMs = Math.max(0, this.#untilMs - performance.now());
      const answer = await ask(Math.min(leftMs, COLLECTION_LIMITS.waitMs));
      if (isGood(answer)) return answer;
      if (performance.now() >= this.#untilMs) return undefined;
    }
  }

  /** @throws the reason of the signal, when it is aborted first. What the work comes to after that is up to the caller. */
  async untilAborted<T>(work: Promise<T>): Promise<T> {
    const signal = this.#signal;
    if (!signal) return await work;
    work.catch(() => undefined);
    let abort: () => void = () => undefined;
    const aborted = new Promise<never>((_resolve, reject) => (abort = () => reject(signal.reason as Error)));
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}

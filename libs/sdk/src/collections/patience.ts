import { COLLECTION_LIMITS, InvalidError } from '@gantry/protocol';

export interface WaitOptions {
  /** Wait at all. @defaultValue true */
  block?: boolean | undefined;
  /** How long to wait at most. @defaultValue forever */
  timeoutMs?: number | undefined;
  /** Ends the waiting: its reason is thrown. */
  signal?: AbortSignal | undefined;
}

/** How long something is waited for, over several questions to the platform. */
export class Patience {
  readonly #untilMs: number;
  readonly #signal: AbortSignal | undefined;

  /** @throws InvalidError for a time below 0. */
  constructor({ block = true, timeoutMs = Infinity, signal }: WaitOptions) {
    if (!(timeoutMs >= 0)) throw new InvalidError(`timeoutMs is ${timeoutMs}, and must be 0 or more`);
    this.#untilMs = block ? performance.now() + timeoutMs : -Infinity;
    this.#signal = signal;
  }

  /** Asks until the answer is good; undefined when the time is over. It is asked once in any case. */
  async poll<T>(ask: (waitMs: number) => Promise<T>, isGood: (answer: T) => boolean): Promise<T | undefined> {
    for (;;) {
      this.#signal?.throwIfAborted();
      const leftMs = Math.max(0, this.#untilMs - performance.now());
      const asked = ask(Math.min(leftMs, COLLECTION_LIMITS.waitMs));
      const answer = await (this.#signal ? untilAborted(asked, this.#signal) : asked);
      if (isGood(answer)) return answer;
      if (performance.now() >= this.#untilMs) return undefined;
    }
  }
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // What it comes to after the signal is dealt with where it is asked for.
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

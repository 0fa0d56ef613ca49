import { InvalidError, ResourceExhaustedError, type SpentMessage, subjects } from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

/** How many operations a workspace may begin: inputs of functions, and requests to web endpoints. */
export interface RateLimit {
  /**
   * Counts operations that are about to begin.
   *
   * @throws ResourceExhaustedError, with `retryAfterMs` in its details, when they come too fast.
   */
  admit(operations: number): void;
  close(): void;
}

/** So many seconds' worth of operations may come at once. */
export const BURST_SECONDS = 5;
const TELL_EVERY_MS = 250;

/** Admits everything. */
export const NO_RATE_LIMIT: RateLimit = { admit: () => undefined, close: () => undefined };

export interface RateLimitOptions {
  messaging: Pick<Messaging, 'publish' | 'subscribe'>;
  perSecond: number;
  now?: () => number;
}

/**
 * A bucket of tokens that refills at a rate and holds 5 s of it; each operation takes one.
 *
 * Every process that takes operations has one, and four times a second tells the others what it spent, which they
 * take out of theirs, down to a debt of a full bucket. So over time the rate holds for all of them together; what
 * others spend within the last 0.25 s comes on top of a burst.
 */
export class SharedRateLimit implements RateLimit {
  readonly #options: Required<RateLimitOptions>;
  readonly #capacity: number;
  readonly #from = crypto.randomUUID();
  readonly #telling: NodeJS.Timeout;
  readonly #hearing: { stop(): void };
  #tokens: number;
  #filledAtMs: number;
  #untold = 0;

  /** @throws InvalidError unless `perSecond` is a number above 0. */
  constructor(options: RateLimitOptions) {
    const { messaging, perSecond } = options;
    if (!(perSecond > 0)) throw new InvalidError(`the rate limit "${perSecond}" is no number above 0`);
    this.#options = { now: () => performance.now(), ...options };
    this.#capacity = perSecond * BURST_SECONDS;
    this.#tokens = this.#capacity;
    this.#filledAtMs = this.#options.now();
    this.#hearing = messaging.subscribe<SpentMessage>(subjects.spent, ({ from, operations }) => {
      if (from === this.#from) return;
      this.#fill();
      this.#tokens = Math.max(-this.#capacity, this.#tokens - operations);
    });
    this.#telling = setInterval(() => this.#tell(), TELL_EVERY_MS).unref();
  }

  admit(operations: number): void {
    this.#fill();
    // What is larger than the bucket is admitted when that is full, and paid off later.
    const missing = Math.min(operations, this.#capacity) - this.#tokens;
    if (missing > 0) {
      const { perSecond } = this.#options;
      throw new ResourceExhaustedError(
        `the workspace has a rate limit of ${perSecond} operations per second`,
        {
          hint: 'Send it again later, or ask whoever runs the platform to raise the limit.',
          details: { retryAfterMs: Math.ceil((missing / perSecond) * 1_000), perSecond },
        },
      );
    }
    this.#tokens -= operations;
    this.#untold += operations;
  }

  close(): void {
    clearInterval(this.#telling);
    this.#hearing.stop();
  }

  #fill(): void {
    const nowMs = this.#options.now();
    const earned = ((nowMs - this.#filledAtMs) / 1_000) * this.#options.perSecond;
    this.#tokens = Math.min(this.#capacity, this.#tokens + earned);
    this.#filledAtMs = nowMs;
  }

  #tell(): void {
    if (this.#untold === 0) return;
    const message: SpentMessage = { from: this.#from, operations: this.#untold };
    this.#untold = 0;
    this.#options.messaging.publish(subjects.spent, message);
  }
}

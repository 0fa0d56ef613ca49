import type { Clock } from '../clock.ts';

const REMEMBERED_MS = 5 * 60_000;
const MOST = 10_000;

/** Calls that were cancelled lately: their inputs may still be on the way here. */
export class CancelledCalls {
  readonly #clock: Clock;
  readonly #since = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(callId: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [oldest, sinceMs] of this.#since) {
      if (this.#since.size < MOST && nowMs - sinceMs < REMEMBERED_MS) break;
      this.#since.delete(oldest);
    }
    this.#since.set(callId, nowMs);
  }

  has(callId: string): boolean {
    return this.#since.size > 0 && this.#since.has(callId);
  }
}

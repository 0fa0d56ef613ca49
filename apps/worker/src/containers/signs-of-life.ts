import type { Clock } from '../clock.ts';

/** An event loop stands still: several of its heartbeats, one a second, did not come. */
const SILENT_AFTER_MS = 3_500;

/** When the event loop of a container was last known to turn. */
export class SignsOfLife {
  readonly #clock: Clock;
  #lastMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** By the monotonic clock. */
  get lastMs(): number {
    return this.#lastMs;
  }

  get areMissing(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs > SILENT_AFTER_MS;
  }

  noted(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }
}

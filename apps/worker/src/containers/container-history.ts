import type { ContainerStatus, Outcome } from '@gantry/protocol';

import type { Clock } from '../clock.ts';

/** A container that did not crash within this time works, also if nobody asked anything of it. */
const PROVEN_AFTER_MS = 10_000;

/** When a container became what it is, by the wall clock. */
export class ContainerHistory {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  #readyAtMs: number | undefined;
  #endedAtMs: number | undefined;
  #idleSinceMs: number | undefined;
  #hasFinishedOne = false;
  #succeeded = 0;
  #failed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.wallMs();
  }

  get times(): Pick<ContainerStatus, 'startedAtMs' | 'readyAtMs' | 'idleSinceMs'> {
    return { startedAtMs: this.#startedAtMs, readyAtMs: this.#readyAtMs, idleSinceMs: this.#idleSinceMs };
  }

  /** How many inputs ended in it; what is 0 is left out. */
  get counts(): Pick<ContainerStatus, 'succeeded' | 'failed'> {
    return {
      ...(this.#succeeded > 0 && { succeeded: this.#succeeded }),
      ...(this.#failed > 0 && { failed: this.#failed }),
    };
  }

  /** True once it has shown that its code works. */
  get isProven(): boolean {
    if (this.#hasFinishedOne || this.#readyAtMs === undefined) return this.#hasFinishedOne;
    return (this.#endedAtMs ?? this.#clock.wallMs()) - this.#readyAtMs > PROVEN_AFTER_MS;
  }

  /** Returns how long it took. */
  becameReady(): number {
    this.#readyAtMs = this.#idleSinceMs = this.#clock.wallMs();
    return this.#readyAtMs - this.#startedAtMs;
  }

  inputEnded(outcome: Outcome): void {
    if (outcome.type === 'value') this.#succeeded += 1;
    // Whoever cancels wants that.
    else if (outcome.type === 'error' || outcome.failure.code !== 'CANCELLED') this.#failed += 1;
  }

  finishedOne(): void {
    this.#hasFinishedOne = true;
  }

  loadChanged(running: number): void {
    this.#idleSinceMs = running === 0 ? this.#clock.wallMs() : undefined;
  }

  ended(): void {
    this.#endedAtMs = this.#clock.wallMs();
  }
}

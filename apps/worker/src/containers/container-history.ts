import type { ContainerStatus } from '@gantry/protocol';

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

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.wallMs();
  }

  get times(): Pick<ContainerStatus, 'startedAtMs' | 'readyAtMs' | 'idleSinceMs'> {
    return { startedAtMs: this.#startedAtMs, readyAtMs: this.#readyAtMs, idleSinceMs: this.#idleSinceMs };
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

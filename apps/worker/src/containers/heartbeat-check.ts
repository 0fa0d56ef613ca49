import type { Clock } from '../clock.ts';
import type { HostedContainer } from './hosted-container.ts';

const CHECK_MS = 5_000;
const SILENCE_MS = 60_000;

/** Kills containers whose event loop has stood still for a minute. */
export class HeartbeatCheck {
  readonly #clock: Clock;
  readonly #containers: () => Iterable<HostedContainer>;
  #timer: NodeJS.Timeout | undefined;
  #lastCheckMs: number;

  constructor(clock: Clock, containers: () => Iterable<HostedContainer>) {
    this.#clock = clock;
    this.#containers = containers;
    this.#lastCheckMs = clock.monotonicMs();
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), CHECK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  check(): void {
    const nowMs = this.#clock.monotonicMs();
    // This process itself stood still: what containers said meanwhile is not read yet.
    const wasPaused = nowMs - this.#lastCheckMs > 2 * CHECK_MS;
    this.#lastCheckMs = nowMs;
    for (const container of this.#containers()) {
      if (wasPaused) container.forgiveSilence();
      const lastSignMs = container.lastSignMs;
      if (lastSignMs !== undefined && nowMs - lastSignMs > SILENCE_MS) {
        container.kill('heartbeat', `heartbeat timeout: no sign of life for ${SILENCE_MS / 1000} s`);
      }
    }
  }
}

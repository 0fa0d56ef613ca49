import type { ContainerExit } from '@gantry/protocol';

import type { Clock } from '../clock.ts';

const MOST_CHECK_MS = 5_000;
/** Nothing that runs excuses the silence of an idle container. */
const IDLE_SILENCE_MS = 60_000;

/** What the check has to know of a container. */
export interface Heartbeating {
  /** When it last gave a sign of life, by the monotonic clock; undefined while none is expected. */
  readonly lastSignMs: number | undefined;
  /** Inputs and web requests that run in it. */
  readonly running: number;
  /** Silence up to now was not its fault. */
  forgiveSilence(): void;
  kill(reason: ContainerExit['reason'], message: string): void;
}

export interface HeartbeatCheckOptions {
  clock: Clock;
  containers(): Iterable<Heartbeating>;
  /** How long the event loop of a container may stand still while something runs in it. */
  silenceMs: number;
}

/** Kills containers whose event loop stands still. */
export class HeartbeatCheck {
  readonly #options: HeartbeatCheckOptions;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lastCheckMs: number;

  constructor(options: HeartbeatCheckOptions) {
    this.#options = options;
    this.#everyMs = Math.min(MOST_CHECK_MS, options.silenceMs / 4);
    this.#lastCheckMs = options.clock.monotonicMs();
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), this.#everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  check(): void {
    const { clock, containers, silenceMs } = this.#options;
    const nowMs = clock.monotonicMs();
    // This process itself stood still: what containers said meanwhile is not read yet.
    const wasPaused = nowMs - this.#lastCheckMs > 2 * this.#everyMs;
    this.#lastCheckMs = nowMs;
    for (const container of containers()) {
      if (wasPaused) container.forgiveSilence();
      const { lastSignMs, running } = container;
      const limitMs = running > 0 ? silenceMs : Math.min(IDLE_SILENCE_MS, silenceMs);
      if (lastSignMs === undefined || nowMs - lastSignMs <= limitMs) continue;
      container.kill('heartbeat', `heartbeat timeout: its event loop stood still for ${limitMs / 1000} s`);
    }
  }
}

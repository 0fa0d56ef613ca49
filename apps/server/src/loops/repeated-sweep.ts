import type { Logger } from '@gantry/telemetry';

const SWEEP_EVERY_MS = 6 * 3600 * 1000;

export interface RepeatedSweepOptions {
  /** One sweep. Resolves to how many things it removed; ends early, without harm, when the signal says so. */
  sweep: (signal: AbortSignal) => Promise<number>;
  /** What is removed, in the plural, as the log says it: `blocks that no volume needs any more`. */
  what: string;
  /** @defaultValue six hours */
  everyMs?: number | undefined;
  log: Logger;
}

/** Sweeps while this server leads: at once, and again and again, never twice at a time. */
export class RepeatedSweep {
  readonly #options: RepeatedSweepOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #ended = new AbortController();
  #sweeping = false;

  constructor(options: RepeatedSweepOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#sweep(), options.everyMs ?? SWEEP_EVERY_MS).unref();
    void this.#sweep();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#ended.abort();
  }

  async #sweep(): Promise<void> {
    const { sweep, what, log } = this.#options;
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      const removed = await sweep(this.#ended.signal);
      if (removed > 0) log.info({ removed }, `${what} were removed`);
    } catch (err) {
      log.warn({ err }, `${what} could not be removed; they are next time`);
    } finally {
      this.#sweeping = false;
    }
  }
}

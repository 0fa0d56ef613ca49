import type { InputQueue } from '@gantry/messaging';
import type { Logger } from '@gantry/telemetry';

const TRIM_EVERY_MS = 1_000;

/** Removes finished inputs from the queue, pool by pool, about a second after they were acknowledged. */
export class QueueTrim {
  readonly #inputs: Pick<InputQueue, 'trim'>;
  readonly #log: Logger;
  readonly #pools = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(inputs: Pick<InputQueue, 'trim'>, log: Logger) {
    this.#inputs = inputs;
    this.#log = log;
  }

  /** Runs for every input, so it does next to nothing. */
  acknowledged(pool: string): void {
    this.#pools.add(pool);
    this.#timer ??= setTimeout(() => void this.#trimAll(), TRIM_EVERY_MS).unref();
  }

  /** Trims what is due, for the last time. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(Array.from(this.#pools, (pool) => this.#trim(pool)));
    clearTimeout(this.#timer);
  }

  async #trimAll(): Promise<void> {
    const pools = [...this.#pools];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => this.#trim(pool)));
    this.#timer = undefined;
    for (const pool of this.#pools) this.acknowledged(pool);
  }

  // An acknowledgement carries no answer: the queue may know of some only at the next look.
  async #trim(pool: string): Promise<void> {
    try {
      if ((await this.#inputs.trim(pool)) > 0) this.#pools.add(pool);
    } catch (err) {
      this.#log.debug({ err, pool }, 'finished inputs could not be removed; they are with the next ones');
    }
  }
}

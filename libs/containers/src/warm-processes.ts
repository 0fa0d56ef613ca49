import type { Container } from './container-driver.ts';

const REFILL_DELAY_MS = 250;
const RETRY_DELAY_MS = 2_000;

export interface WarmProcessesOptions<TContainer extends Container> {
  /** How many to keep. 0 switches the pool off. */
  count: number;
  spawn(): Promise<TContainer>;
}

/**
 * Processes started ahead of need.
 *
 * Invariants
 *   W1. A taken process is out of the pool and never comes back.
 *   W2. Refilling waits until {@link WarmProcesses.refill} is called or {@link REFILL_DELAY_MS} passed since the
 *       last take, so that it does not compete with the cold start that took one.
 */
export class WarmProcesses<TContainer extends Container> {
  readonly #options: WarmProcessesOptions<TContainer>;
  readonly #idle = new Set<TContainer>();
  #starting = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WarmProcessesOptions<TContainer>) {
    this.#options = options;
  }

  /** The one that was started first, or undefined if none is left. */
  take(): TContainer | undefined {
    const [first] = this.#idle;
    if (first) this.#idle.delete(first);
    this.#refillAfter(REFILL_DELAY_MS);
    return first;
  }

  /** Starts what is missing, now. */
  refill(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#closed && this.#idle.size + this.#starting < this.#options.count) {
      this.#starting++;
      void this.#startOne();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const container of this.#idle) container.kill();
    this.#idle.clear();
  }

  async #startOne(): Promise<void> {
    try {
      const container = await this.#options.spawn();
      if (this.#closed) return container.kill();
      this.#idle.add(container);
      void container.exited.then(() => {
        if (this.#idle.delete(container)) this.#refillAfter(RETRY_DELAY_MS);
      });
    } catch {
      // The next container start meets the same failure and reports it.
      this.#refillAfter(RETRY_DELAY_MS);
    } finally {
      this.#starting--;
    }
  }

  #refillAfter(delayMs: number): void {
    if (this.#closed || this.#options.count === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refill(), delayMs);
    this.#timer.unref();
  }
}

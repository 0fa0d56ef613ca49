import { DEFAULTS, type FunctionOptionsSpec } from '@gantry/protocol';

/** How many inputs a container can have at once, and how many it may still take in its life. */
export class ContainerPlaces {
  /** Inputs, or batches, that its code handles at once. */
  readonly count: number;
  readonly #inputsEach: number;
  readonly #lifetime: number | undefined;
  #remaining: number;
  #webRunning = 0;

  constructor(options: FunctionOptionsSpec) {
    this.count = options.maxInputs ?? DEFAULTS.maxInputs;
    this.#inputsEach = options.batching?.maxBatchSize ?? 1;
    this.#lifetime = options.maxInputsPerContainer;
    this.#remaining = this.#lifetime ?? Number.POSITIVE_INFINITY;
  }

  take(inputs: number): void {
    this.#remaining -= inputs;
  }

  /** Web requests that run in it now. */
  get webRunning(): number {
    return this.#webRunning;
  }

  /** So many web requests run from now on. Returns whether some have ended. */
  webChanged(running: number): boolean {
    const hasFreed = running < this.#webRunning;
    this.take(Math.max(0, running - this.#webRunning));
    this.#webRunning = running;
    return hasFreed;
  }

  /** Its process is gone, and what ran with it. */
  webEnded(): void {
    this.#webRunning = 0;
  }

  /** Why it takes no more inputs; undefined while it may. */
  get usedUpBy(): string | undefined {
    return this.#remaining <= 0 ? `it took its ${String(this.#lifetime)} inputs` : undefined;
  }

  /** Of so many inputs that fit, those that it may still take. */
  allowed(fitting: number): number {
    return Math.min(fitting, this.#remaining);
  }

  /** Inputs that it can have at once while so many run; fewer when it is to end soon. */
  most(running: number): number {
    return Math.min(this.count * this.#inputsEach, running + this.#remaining);
  }
}

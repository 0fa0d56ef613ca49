import type { BatchingSpec } from '@gantry/protocol';

import type { AssignedInput } from '../inputs/assigned-input.ts';

export interface InputBatchesOptions {
  batching: BatchingSpec;
  /** A batch is closed: hand it over. */
  run(inputs: readonly AssignedInput[]): void;
  /** A batch closed before it was full: the places that it left open are gone. */
  onShort(): void;
}

/**
 * The batches of one container.
 *
 * Invariants
 *   T1. At most one batch forms. Its clock starts with its first input, and later inputs do not prolong it.
 *   T2. A batch takes one place of the container, from its first input until the last of its inputs has left.
 */
export class InputBatches {
  readonly #options: InputBatchesOptions;
  readonly #running = new Map<AssignedInput, Set<AssignedInput>>();
  #runningBatches = 0;
  #forming = new Set<AssignedInput>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: InputBatchesOptions) {
    this.#options = options;
  }

  /** Inputs in the batch that forms. */
  get forming(): number {
    return this.#forming.size;
  }

  /** Inputs that fit now, if batches may have `places` places. */
  free(places: number): number {
    const room = (places - this.#runningBatches) * this.#options.batching.maxBatchSize;
    return Math.max(0, room - this.#forming.size);
  }

  isForming(input: AssignedInput): boolean {
    return this.#forming.has(input);
  }

  add(input: AssignedInput): void {
    const { maxBatchSize, waitMs } = this.#options.batching;
    this.#forming.add(input);
    if (this.#forming.size >= maxBatchSize) return this.#close();
    this.#timer ??= setTimeout(() => this.flush(), waitMs);
  }

  /** An input has ended, or left the batch that forms. */
  leave(input: AssignedInput): void {
    if (this.#forming.delete(input)) {
      if (this.#forming.size === 0) this.#stopClock();
      return;
    }
    const batch = this.#running.get(input);
    if (!batch) return;
    this.#running.delete(input);
    batch.delete(input);
    if (batch.size === 0) this.#runningBatches--;
  }

  /** Closes the batch that forms, whatever its size. */
  flush(): void {
    if (this.#forming.size === 0) return;
    this.#close();
    this.#options.onShort();
  }

  /** The container has ended. */
  clear(): void {
    this.#stopClock();
    this.#forming.clear();
    this.#running.clear();
    this.#runningBatches = 0;
  }

  #close(): void {
    this.#stopClock();
    const batch = this.#forming;
    this.#forming = new Set();
    this.#runningBatches++;
    for (const input of batch) this.#running.set(input, batch);
    this.#options.run([...batch]);
  }

  #stopClock(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

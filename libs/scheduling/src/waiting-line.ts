import type { PoolState } from './pool-state.ts';

/** Pools that need a container and found no room: those without any first, and those that came first. */
export class WaitingLine {
  readonly #first = new Set<PoolState>();
  readonly #further = new Set<PoolState>();

  /** A pool waits, with or without a container that serves it meanwhile. It keeps its place. */
  join(state: PoolState, hasNothing: boolean): void {
    (hasNothing ? this.#further : this.#first).delete(state);
    (hasNothing ? this.#first : this.#further).add(state);
  }

  leave(state: PoolState): void {
    this.#first.delete(state);
    this.#further.delete(state);
  }

  /** The first `count` of the line. */
  *heads(count: number): Generator<PoolState> {
    let left = count;
    for (const line of [this.#first, this.#further]) {
      for (const state of line) {
        if (left-- <= 0) return;
        yield state;
      }
    }
  }
}

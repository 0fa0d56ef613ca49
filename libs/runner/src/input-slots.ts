/** The places of a container, `maxInputs` of them, shared by inputs and web requests. First come, first served. */
export class InputSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Calls `start` with a place taken: at once if one is free, else later. Whoever was called calls {@link leave}. */
  enter(start: () => void): void {
    if (this.#free === 0) {
      this.#waiting.push(start);
      return;
    }
    this.#free--;
    start();
  }

  /** Gives a place back, to whoever waits longest. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

/** Lets a number of tasks be under way at once; the others wait, and begin in their order. */
export class PublishWindow {
  readonly #size: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(size: number) {
    this.#size = size;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#size) this.#underWay++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // Whoever waits takes over the place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#underWay--;
    }
  }
}

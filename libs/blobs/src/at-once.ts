/** Lets so many at a time do something. The others wait, in the order in which they came. */
export class AtOnce {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #doing = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.#doing < this.#most) this.#doing++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      // Its place goes to the next one, whom nobody can overtake.
      if (next) next();
      else this.#doing--;
    }
  }
}

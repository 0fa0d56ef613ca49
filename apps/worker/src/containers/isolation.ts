import type { AssignedInput } from '../inputs/assigned-input.ts';

/** Has one input of a container run alone: it begins when the others have ended. */
export class Isolation {
  readonly #begin: (input: AssignedInput) => void;
  #input: AssignedInput | undefined;
  #hasBegun = false;

  constructor(begin: (input: AssignedInput) => void) {
    this.#begin = begin;
  }

  /** True while an input runs alone, or waits until it can. */
  get isOn(): boolean {
    return this.#input !== undefined;
  }

  /** Takes an input, where there is none. */
  take(input: AssignedInput, others: number): void {
    this.#input = input;
    this.#hasBegun = false;
    this.beginIfAlone(others);
  }

  /** Called when the number of others has changed. */
  beginIfAlone(others: number): void {
    if (!this.#input || this.#hasBegun || others > 0) return;
    this.#hasBegun = true;
    this.#begin(this.#input);
  }

  waits(input: AssignedInput): boolean {
    return input === this.#input && !this.#hasBegun;
  }

  /** An input of the container has ended. */
  leave(input: AssignedInput): void {
    if (input === this.#input) this.#input = undefined;
  }
}

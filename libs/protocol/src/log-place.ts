import type { LogEntry } from './platform-messages.ts';

/** How far a log was read, so that reading can go on there. Entries that share a position come in the same order each time. */
export class LogPlace {
  #position: number | undefined;
  #count = 0;
  #known = 0;

  /** The log is read again, from the position that this returns; undefined for its beginning. */
  resume(): number | undefined {
    this.#known = Math.max(this.#known, this.#count);
    this.#count = 0;
    return this.#position;
  }

  /** Whether the next entry was not read before. To be asked of each one, once, in their order. */
  isNew({ position }: LogEntry): boolean {
    if (position !== this.#position) {
      this.#position = position;
      this.#count = 0;
      this.#known = 0;
    }
    this.#count += 1;
    return this.#count > this.#known;
  }
}

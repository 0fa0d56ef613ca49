import type { LogEntry } from '@gantry/protocol';

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

  /** Those that were not read before. */
  take(entries: readonly LogEntry[]): LogEntry[] {
    return entries.filter((entry) => this.#isNew(entry));
  }

  #isNew({ position }: LogEntry): boolean {
    if (position !== this.#position) {
      this.#position = position;
      this.#count = 0;
      this.#known = 0;
    }
    this.#count += 1;
    return this.#count > this.#known;
  }
}

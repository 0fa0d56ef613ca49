import type { VolumeEntry } from '@gantry/protocol';

import { keyAfter, keyOf, keysBelow, pathOf } from './keys.ts';
import { lowerBound, type Page, type PageRef } from './tree-pages.ts';

/** An entry with its path and its number. */
export interface NumberedEntry {
  /** From 0, in the order of a walk: names the entry in this state of the volume, and in no other. */
  number: number;
  path: string;
  entry: VolumeEntry;
}

export interface NumberedTreeParts {
  refs: readonly PageRef[];
  /** Reads a page. */
  page: (ref: PageRef) => Promise<Page>;
}

/**
 * The entries of one state by numbers, which need no table: an index tells how many entries are before each page.
 *
 * Invariants
 *   M1. Equal states number alike, whoever opens them, and as often as they are opened.
 */
export class NumberedTree {
  readonly #refs: readonly PageRef[];
  readonly #page: (ref: PageRef) => Promise<Page>;
  /** Of each page, the number of its first entry. */
  readonly #firsts: readonly number[];
  readonly #entries: number;

  constructor({ refs, page }: NumberedTreeParts) {
    this.#refs = refs;
    this.#page = page;
    let entries = 0;
    this.#firsts = refs.map((ref) => (entries += ref.entries) - ref.entries);
    this.#entries = entries;
  }

  /** What a path leads to. The root itself is no entry. */
  async find(path: string): Promise<NumberedEntry | undefined> {
    const key = keyOf(path);
    const number = await this.#numberFrom(key);
    const found = await this.#row(number);
    return found?.[0] === key ? { number, path, entry: found[1] } : undefined;
  }

  async at(number: number): Promise<NumberedEntry | undefined> {
    const found = await this.#row(number);
    return found && { number, path: pathOf(found[0]), entry: found[1] };
  }

  /** What is in a directory, by name; nothing if there is none. Goes on behind one of its entries, if that is given. */
  async *list(directory: string, after?: NumberedEntry): AsyncGenerator<NumberedEntry> {
    const { from, to } = keysBelow(keyOf(directory));
    let number = await (after ? this.#numberBehind(after) : this.#numberFrom(from));
    for (;;) {
      const found = await this.#row(number);
      if (!found || (to !== undefined && found[0] >= to)) return;
      const next: NumberedEntry = { number, path: pathOf(found[0]), entry: found[1] };
      yield next;
      number = await this.#numberBehind(next);
    }
  }

  /** The next one that is not below an entry. */
  async #numberBehind({ number, path, entry }: NumberedEntry): Promise<number> {
    return entry.type === 'directory' ? this.#numberFrom(keyAfter(keyOf(path))) : number + 1;
  }

  /** The first one whose key is not before this one. */
  async #numberFrom(key: string): Promise<number> {
    const at = lastBefore(this.#refs.length, (index) => (this.#refs[index]?.first ?? '') <= key);
    const ref = this.#refs[at];
    return ref ? (this.#firsts[at] ?? 0) + lowerBound(await this.#page(ref), key) : 0;
  }

  async #row(number: number): Promise<Page[number] | undefined> {
    if (!(number >= 0 && number < this.#entries)) return undefined;
    const at = lastBefore(this.#firsts.length, (index) => (this.#firsts[index] ?? 0) <= number);
    const ref = this.#refs[at];
    return ref && (await this.#page(ref))[number - (this.#firsts[at] ?? 0)];
  }
}

/** The last index for which something holds that holds up to there; 0 if for none. */
function lastBefore(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

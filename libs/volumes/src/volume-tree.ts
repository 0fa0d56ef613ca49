import type { VolumeChange, VolumeEntry } from '@gantry/protocol';

import { beginsPage, keyAfter, keyOf, keysBelow, pathOf } from './keys.ts';
import { NumberedTree } from './numbered-tree.ts';
import { TreeEdit } from './tree-edit.ts';
import {
  decodeIndex,
  decodePage,
  encodeIndex,
  encodePage,
  lowerBound,
  type Page,
  type PageRef,
  type PageStore,
} from './tree-pages.ts';

/** An entry with its path in the volume. */
export interface PlacedEntry {
  path: string;
  entry: VolumeEntry;
}

const KEPT_PAGES = 512;

/**
 * One state of a volume's files: immutable, and read page by page as far as it is needed.
 *
 * Invariants
 *   T1. Equal contents have equal roots, however they came about.
 *   T2. Every entry but those of the root has its directory in the tree.
 *   T3. What a change does not touch is neither read nor written.
 *
 * @example
 * ```ts
 * const tree = await VolumeTree.open(store, head.root);
 * const next = await tree.apply([{ path: 'models/a.bin', entry }]);
 * await next.save(); // the root of the new state
 * ```
 */
export class VolumeTree {
  readonly #store: PageStore;
  readonly #refs: readonly PageRef[];
  /** Pages that were read or made, the ones used last at the end; shared by the states of a volume. */
  readonly #pages: Map<string, Page>;

  private constructor(store: PageStore, refs: readonly PageRef[], pages: Map<string, Page>) {
    this.#store = store;
    this.#refs = refs;
    this.#pages = pages;
  }

  /** The state with this root; without one, the empty state. Another state of the volume lends the pages it knows. */
  static async open(store: PageStore, root: string | undefined, other?: VolumeTree): Promise<VolumeTree> {
    const refs = root === undefined ? [] : decodeIndex(await store.read(root));
    return new VolumeTree(store, refs, other ? other.#pages : new Map());
  }

  /** Files, directories and links. */
  get entries(): number {
    return this.#refs.reduce((sum, { entries }) => sum + entries, 0);
  }

  /** Of all files. */
  get sizeBytes(): number {
    return this.#refs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** Digests of the pages, without the index. */
  get pages(): readonly string[] {
    return this.#refs.map(({ digest }) => digest);
  }

  /** Its entries by number. */
  numbered(): NumberedTree {
    return new NumberedTree({ refs: this.#refs, page: (ref) => this.#page(ref) });
  }

  /** What a path leads to. The root itself is no entry. */
  entry(path: string): Promise<VolumeEntry | undefined> {
    return this.at(keyOf(path));
  }

  /** What is in a directory, by name; nothing if there is none. */
  async *list(directory = ''): AsyncGenerator<PlacedEntry> {
    const { from, to } = keysBelow(keyOf(directory));
    let next: string | undefined = from;
    while (next !== undefined) {
      const start: string = next;
      next = undefined;
      for await (const [key, entry] of this.range(start, to)) {
        yield { path: pathOf(key), entry };
        if (entry.type !== 'directory') continue;
        next = keyAfter(key);
        break;
      }
    }
  }

  /** All below a directory, each directory before what is in it. */
  async *walk(directory = ''): AsyncGenerator<PlacedEntry> {
    const { from, to } = keysBelow(keyOf(directory));
    for await (const [key, entry] of this.range(from, to)) yield { path: pathOf(key), entry };
  }

  /** Digests of the pages, and of the pieces of all files; without pages that are known, and what they lead to. */
  async *references(known: ReadonlySet<string>): AsyncGenerator<string> {
    for (const ref of this.#refs) {
      if (known.has(ref.digest)) continue;
      for (const [, entry] of await this.#page(ref)) if (entry.type === 'file') yield* entry.blocks;
      yield ref.digest;
    }
  }

  /**
   * The state after some changes, one after the other. Nothing but pages is stored: {@link VolumeTree.save} makes it
   * one that can be opened.
   */
  async apply(changes: readonly VolumeChange[]): Promise<VolumeTree> {
    const edit = new TreeEdit(this);
    for (const change of changes) await edit.add(change);
    const refs = await this.#rewrite(edit.sorted());
    return new VolumeTree(this.#store, refs, this.#pages);
  }

  /** Stores the index of the tree; resolves to its digest, the root. */
  save(): Promise<string> {
    return this.#store.write(encodeIndex(this.#refs));
  }

  /** What is under a key; for edits. */
  async at(key: string): Promise<VolumeEntry | undefined> {
    const ref = this.#refs[this.#pageOf(key)];
    if (!ref) return undefined;
    const page = await this.#page(ref);
    const found = page[lowerBound(page, key)];
    return found?.[0] === key ? found[1] : undefined;
  }

  /** What is under keys from one up to another; for edits. */
  async *range(from: string, to: string | undefined): AsyncGenerator<Row> {
    for (let at = this.#pageOf(from); at < this.#refs.length; at++) {
      const ref = this.#refs[at];
      if (!ref || (to !== undefined && ref.first >= to)) return;
      const page = await this.#page(ref);
      for (let row = lowerBound(page, from); row < page.length; row++) {
        const found = page[row];
        if (!found || (to !== undefined && found[0] >= to)) return;
        yield found;
      }
    }
  }

  /** Writes the pages that edits are in anew, and those that they grow together with. */
  async #rewrite(edits: readonly Edit[]): Promise<PageRef[]> {
    const refs: PageRef[] = [];
    let done = 0;
    for (let from = 0; from < edits.length;) {
      const at = this.#pageOf(edits[from]?.[0] ?? '');
      const end = this.#refs[at + 1]?.first;
      let to = from;
      while (to < edits.length && (end === undefined || (edits[to]?.[0] ?? '') < end)) to++;
      refs.push(...this.#refs.slice(done, at));
      done = at + 1;
      const ref = this.#refs[at];
      let page = merged(ref ? await this.#page(ref) : [], edits.slice(from, to));
      // Without the key that began it, what is left goes to the end of the page before.
      const [first] = page;
      const before = first && !beginsPage(first[0]) ? refs.pop() : undefined;
      if (before) page = [...(await this.#page(before)), ...page];
      for (const part of split(page)) refs.push(await this.#write(part));
      from = to;
    }
    return [...refs, ...this.#refs.slice(done)];
  }

  async #write(page: Page): Promise<PageRef> {
    const digest = await this.#store.write(encodePage(page));
    this.#keep(digest, page);
    const sizeBytes = page.reduce((sum, [, entry]) => sum + (entry.type === 'file' ? entry.sizeBytes : 0), 0);
    return { first: page[0]?.[0] ?? '', digest, entries: page.length, sizeBytes };
  }

  async #page({ digest }: PageRef): Promise<Page> {
    const page = this.#pages.get(digest) ?? decodePage(await this.#store.read(digest));
    this.#keep(digest, page);
    return page;
  }

  #keep(digest: string, page: Page): void {
    this.#pages.delete(digest);
    this.#pages.set(digest, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > KEPT_PAGES && oldest !== undefined) this.#pages.delete(oldest);
  }

  /** Where a key is, or would be: the last page that does not begin behind it. */
  #pageOf(key: string): number {
    let low = 0;
    let high = this.#refs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#refs[middle]?.first ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

type Row = Page[number];
type Edit = readonly [key: string, entry: VolumeEntry | undefined];

/** A page with edits made; both are sorted. */
function merged(page: Page, edits: readonly Edit[]): Row[] {
  const rows: Row[] = [];
  let at = 0;
  for (const [key, entry] of edits) {
    for (let row = page[at]; row && row[0] < key; row = page[++at]) rows.push(row);
    if (page[at]?.[0] === key) at++;
    if (entry) rows.push([key, entry]);
  }
  return [...rows, ...page.slice(at)];
}

function* split(page: Page): Generator<Page> {
  let from = 0;
  for (let at = 1; at < page.length; at++) {
    if (!beginsPage(page[at]?.[0] ?? '')) continue;
    yield page.slice(from, at);
    from = at;
  }
  if (from < page.length) yield page.slice(from);
}

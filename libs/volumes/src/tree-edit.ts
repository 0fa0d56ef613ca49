import {
  assertLinkTarget,
  InvalidError,
  type VolumeChange,
  type VolumeEntry,
  volumePath,
} from '@gantry/protocol';

import { keyOf, keysAbove, keysBelow } from './keys.ts';

/** What an edit reads of the state that it starts from. */
export interface EditedTree {
  at(key: string): Promise<VolumeEntry | undefined>;
  range(from: string, to: string | undefined): AsyncIterable<readonly [key: string, entry: VolumeEntry]>;
}

const DIRECTORY_MODE = 0o755;

/** Turns changes into edits of single keys, so that the tree stays one: directories above, nothing below files. */
export class TreeEdit {
  readonly #tree: EditedTree;
  /** By key, what is there afterwards; undefined for nothing. */
  readonly #edits = new Map<string, VolumeEntry | undefined>();
  /** Keys that are known to be directories now. */
  readonly #directories = new Set<string>(['']);

  constructor(tree: EditedTree) {
    this.#tree = tree;
  }

  /** @throws InvalidError for a path or a link that cannot be in a volume. */
  async add({ path, entry }: VolumeChange): Promise<void> {
    const form = volumePath(path);
    if (form === '') throw new InvalidError('the root of a volume cannot be replaced or removed');
    const key = keyOf(form);
    if (!entry) return this.#remove(key);
    if (entry.type === 'link') assertLinkTarget(form, entry.target);
    for (const above of keysAbove(key)) await this.#ensureDirectory(above, entry.mtimeMs);
    if (entry.type === 'directory') this.#directories.add(key);
    else await this.#removeBelow(key);
    this.#edits.set(key, entry);
  }

  /** The edits in the order of keys. */
  sorted(): (readonly [key: string, entry: VolumeEntry | undefined])[] {
    return [...this.#edits].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async #current(key: string): Promise<VolumeEntry | undefined> {
    return this.#edits.has(key) ? this.#edits.get(key) : this.#tree.at(key);
  }

  async #ensureDirectory(key: string, mtimeMs: number): Promise<void> {
    if (this.#directories.has(key)) return;
    this.#directories.add(key);
    const current = await this.#current(key);
    if (current?.type === 'directory') return;
    this.#edits.set(key, { type: 'directory', mode: DIRECTORY_MODE, mtimeMs });
  }

  async #remove(key: string): Promise<void> {
    const current = await this.#current(key);
    if (!current) return;
    if (current.type === 'directory') await this.#removeBelow(key);
    this.#edits.set(key, undefined);
  }

  async #removeBelow(key: string): Promise<void> {
    const current = await this.#current(key);
    if (current?.type !== 'directory') return;
    this.#directories.delete(key);
    const { from, to } = keysBelow(key);
    for await (const [below] of this.#tree.range(from, to)) this.#forget(below);
    for (const below of this.#edits.keys())
      if (below >= from && (to === undefined || below < to)) this.#forget(below);
  }

  #forget(key: string): void {
    this.#edits.set(key, undefined);
    this.#directories.delete(key);
  }
}

import { type VolumeEntry, type VolumeFile } from '@gantry/protocol';
import type { NumberedEntry, NumberedTree, VolumeTree } from '@gantry/volumes';

/** A file, directory or link as a file system has it. */
export interface FileNode {
  /** From {@link ROOT_NODE}; the same whenever this version is mounted. */
  node: number;
  /** Bits of kind and permissions, as `stat` gives them. */
  mode: number;
  sizeBytes: number;
  mtimeMs: number;
}

export interface NamedNode extends FileNode {
  name: string;
}

export const ROOT_NODE = 1;
const FIRST_NODE = 2;
const KIND = { file: 0o100000, directory: 0o040000, link: 0o120000 } as const;
const ROOT: VolumeEntry = { type: 'directory', mode: 0o755, mtimeMs: 0 };

/**
 * One version of a volume as a file system: nodes by number.
 *
 * Invariants
 *   F1. A node is the number of its entry in the tree, so nothing is remembered of what was looked up, and nothing has
 *       to be forgotten.
 */
export class VersionFiles {
  readonly #entries: NumberedTree;
  /** Files, directories and links. */
  readonly count: number;
  readonly sizeBytes: number;

  constructor(tree: VolumeTree) {
    this.#entries = tree.numbered();
    this.count = tree.entries;
    this.sizeBytes = tree.sizeBytes;
  }

  async node(node: number): Promise<FileNode | undefined> {
    const found = await this.#at(node);
    return found && nodeOf(node, found.entry);
  }

  /** What a directory has under a name. */
  async lookup(directory: number, name: string): Promise<FileNode | undefined> {
    const above = await this.#at(directory);
    if (above?.entry.type !== 'directory') return undefined;
    const found = await this.#entries.find(above.path === '' ? name : `${above.path}/${name}`);
    return found && nodeOf(found.number + FIRST_NODE, found.entry);
  }

  /** What is in a directory, from behind one of its nodes if that is given. */
  async *list(directory: number, after?: number): AsyncGenerator<NamedNode> {
    const above = await this.#at(directory);
    if (above?.entry.type !== 'directory') return;
    const last = after === undefined ? undefined : await this.#at(after);
    const nameAt = above.path === '' ? 0 : above.path.length + 1;
    for await (const { number, path, entry } of this.#entries.list(above.path, last))
      yield { name: path.slice(nameAt), ...nodeOf(number + FIRST_NODE, entry) };
  }

  /** The directory that a node is in; the root for itself. */
  async above(node: number): Promise<FileNode | undefined> {
    const path = (await this.#at(node))?.path ?? '';
    const end = path.lastIndexOf('/');
    if (end < 0) return nodeOf(ROOT_NODE, ROOT);
    const found = await this.#entries.find(path.slice(0, end));
    return found && nodeOf(found.number + FIRST_NODE, found.entry);
  }

  async linkTarget(node: number): Promise<string | undefined> {
    const entry = (await this.#at(node))?.entry;
    return entry?.type === 'link' ? entry.target : undefined;
  }

  async file(node: number): Promise<{ path: string; file: VolumeFile } | undefined> {
    const found = await this.#at(node);
    return found?.entry.type === 'file' ? { path: found.path, file: found.entry } : undefined;
  }

  async #at(node: number): Promise<NumberedEntry | undefined> {
    if (node === ROOT_NODE) return { number: ROOT_NODE - FIRST_NODE, path: '', entry: ROOT };
    return this.#entries.at(node - FIRST_NODE);
  }
}

function nodeOf(node: number, entry: VolumeEntry): FileNode {
  const { mtimeMs } = entry;
  switch (entry.type) {
    case 'file':
      return { node, mode: KIND.file | entry.mode, sizeBytes: entry.sizeBytes, mtimeMs };
    case 'directory':
      return { node, mode: KIND.directory | entry.mode, sizeBytes: 0, mtimeMs };
    case 'link':
      return { node, mode: KIND.link | 0o777, sizeBytes: Buffer.byteLength(entry.target), mtimeMs };
  }
}

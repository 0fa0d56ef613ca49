import { posix } from 'node:path';

import { InvalidError } from '@gantry/protocol';

import { CONTAINER_IDS } from '../container-ids.ts';
import { overlayAttribute } from '../overlay-attributes.ts';
import { paddingAfter, tarHeader } from './tar-header.ts';
import { BLOCK_BYTES, TarReader, type TarEntry } from './tar-reader.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const OPAQUE_ATTRIBUTE = { [overlayAttribute('opaque')]: 'y' };
/** Files, both kinds of links, folders and pipes. Devices of an image are never of use in a container. */
const KEPT_TYPES = '01256';
const MOST_ID = CONTAINER_IDS.count - 1;

/**
 * Rewrites the archive of an image layer into one that unpacks to a folder for overlayfs: ids are shifted, whiteouts
 * are the kernel's.
 *
 * Invariants, whatever the archive says
 *   A1. Every path is relative, without `..`, and none leads through a symbolic link of the archive.
 *   A2. A hard link leads to a file that came before it in the archive.
 *   A3. No device but whiteouts, no attribute but "opaque", no owner outside of the container's ids.
 *   A4. Every folder on the way to a member is a member before it.
 *
 * @throws InvalidError if a member breaks A1 or A2, or the archive cannot be read.
 */
export async function* overlayTar(
  archive: AsyncIterable<Uint8Array>,
  { idShift, under = '' }: { idShift: number; under?: string | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new TarReader(archive);
  const layer = new OverlayLayer(idShift, under);
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const headers = layer.add(entry);
    yield* headers;
    // What a whiteout or a device has for content goes with it.
    if (headers.length === 0 || layer.hasDropped) continue;
    yield* reader.content();
    yield paddingAfter(entry.sizeBytes);
  }
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

class OverlayLayer {
  /** The member that {@link add} got last is not in the new archive as such. */
  hasDropped = false;
  readonly #idShift: number;
  readonly #under: string;
  readonly #folders = new Map<string, TarEntry>();
  /** Files and pipes, which hard links may lead to, and links themselves. */
  readonly #files = new Set<string>();
  readonly #links = new Set<string>();
  readonly #whiteouts = new Set<string>();

  constructor(idShift: number, under: string) {
    this.#idShift = idShift;
    this.#under = under;
  }

  /** The headers that take the place of this member's. */
  add(given: TarEntry): Buffer[] {
    const path = this.#place(given.path);
    this.hasDropped = true;
    const name = posix.basename(path);
    if (!KEPT_TYPES.includes(given.type) || (path === '.' && given.type !== '5')) return [];
    const parents = this.#parents(path);
    if (name === OPAQUE) return [...parents, this.#opaque(posix.dirname(path))];
    // Book-keeping of a file system that images were once built on.
    if (name.startsWith(`${WHITEOUT}${WHITEOUT}`)) return [];
    if (name.startsWith(WHITEOUT)) return [...parents, ...this.#whiteout(path)];
    this.hasDropped = false;
    return [...parents, this.#member({ ...given, path, uid: this.#id(given.uid), gid: this.#id(given.gid) })];
  }

  #place(path: string): string {
    return safePath(`${this.#under}/${safePath(path)}`);
  }

  #member(entry: TarEntry): Buffer {
    const { path, type } = entry;
    if (type === '1') entry.linkPath = this.#hardLinkTarget(entry);
    else if (type !== '2') entry.linkPath = '';
    if (type === '2' && entry.linkPath === '')
      throw new InvalidError(`the link "${shown(path)}" leads nowhere`);
    this.#links.delete(path);
    if (type === '2') this.#links.add(path);
    if (type === '5') this.#folders.set(path, entry);
    else this.#files.add(path);
    const hidesWhatIsBelow = type === '5' && this.#whiteouts.has(path);
    return tarHeader(entry, hidesWhatIsBelow ? OPAQUE_ATTRIBUTE : {});
  }

  #hardLinkTarget({ path, linkPath }: TarEntry): string {
    const target = this.#place(linkPath);
    this.#refuseLinkedParents(target);
    if (this.#files.has(target)) return target;
    throw new InvalidError(
      `the hard link "${shown(path)}" leads to "${shown(linkPath)}", which is not in the layer before it`,
    );
  }

  /** Folders that no member has stood for yet belong to the container's root user. */
  #parents(path: string): Buffer[] {
    this.#refuseLinkedParents(path);
    return parentsOf(path)
      .filter((parent) => !this.#folders.has(parent))
      .map((parent) => this.#member(this.#plain(parent, '5')));
  }

  #refuseLinkedParents(path: string): void {
    const linked = parentsOf(path).find((parent) => this.#links.has(parent));
    if (linked === undefined) return;
    throw new InvalidError(
      `the layer's entry "${shown(path)}" leads through the symbolic link "${shown(linked)}"`,
    );
  }

  #opaque(folder: string): Buffer {
    const entry = this.#folders.get(folder) ?? this.#plain(folder, '5');
    this.#folders.set(folder, entry);
    return tarHeader(entry, OPAQUE_ATTRIBUTE);
  }

  #whiteout(path: string): Buffer[] {
    const name = posix.basename(path).slice(WHITEOUT.length);
    if (['', '.', '..'].includes(name))
      throw new InvalidError(`the layer's entry "${shown(path)}" hides nothing`);
    const hidden = posix.join(posix.dirname(path), name);
    this.#whiteouts.add(hidden);
    if (this.#folders.has(hidden)) return [this.#opaque(hidden)];
    // What the layer puts in its place hides it as well.
    if (this.#files.has(hidden)) return [];
    return [tarHeader(this.#plain(hidden, '3'))];
  }

  #plain(path: string, type: '3' | '5'): TarEntry {
    const owner = this.#id(0);
    const mode = type === '5' ? 0o755 : 0;
    return { path, type, mode, uid: owner, gid: owner, sizeBytes: 0, mtime: '0', linkPath: '' };
  }

  #id(id: number): number {
    return this.#idShift + (id >= 0 && id <= MOST_ID ? id : MOST_ID);
  }
}

/** `.` for the layer's root. */
function safePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new InvalidError(`the layer's entry "${shown(path)}" leads outside of it`);
  if (path.includes('\0')) throw new InvalidError(`the layer's entry "${shown(path)}" has no valid name`);
  return parts.length === 0 ? '.' : parts.join('/');
}

/** Highest first, without the root. */
function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function shown(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8').replaceAll('\0', '\\0');
}

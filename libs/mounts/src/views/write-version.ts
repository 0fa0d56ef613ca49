import { chmod, chown, lchown, link, lutimes, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import type { VolumeDirectory, VolumeEntry, VolumeFile } from '@gantry/protocol';
import type { PlacedEntry, VolumeBlobs, VolumeTree } from '@gantry/volumes';

import { inside } from './paths.ts';
import type { VolumeVersion } from './volume-view.ts';

const FILES_AT_ONCE = 8;
const WRITE_BITS = 0o222;

export interface WriteOptions {
  blobs: Pick<VolumeBlobs, 'getBytes'>;
  /** Who owns what is written. @defaultValue whoever writes */
  ownerId?: number | undefined;
  /** Without the right to write. */
  isReadOnly?: boolean | undefined;
  /** A version that is written already: what is the same in both is linked, not copied. It must never be changed. */
  near?: { folder: string; tree: VolumeTree } | undefined;
}

/** Writes a version to a folder, which must not exist. */
export async function writeVersion(
  version: Omit<VolumeVersion, 'root' | 'volumeId'>,
  folder: string,
  options: WriteOptions,
): Promise<void> {
  const writer = new VersionWriter(folder, options);
  await mkdir(folder, { mode: 0o755 });
  await writer.own(folder);
  const directories: { path: string; entry: VolumeDirectory }[] = [];
  const files: Promise<void>[] = [];
  for await (const placed of entriesOf(version)) {
    const path = inside(version.subPath, placed);
    const { entry } = placed;
    if (entry.type === 'directory') directories.push({ path, entry });
    if (entry.type !== 'file') {
      await writer.other(path, entry);
      continue;
    }
    if (files.length >= FILES_AT_ONCE) await files.shift();
    const writing = writer.file(path, placed.path, entry);
    // Awaited in its turn; until then its failure is nobody's.
    writing.catch(() => undefined);
    files.push(writing);
  }
  await Promise.all(files);
  // At the end, as each file that is put into a directory changes its time; from below, as rights may be missing then.
  for (const { path, entry } of directories.reverse()) await writer.finish(path, entry);
}

async function* entriesOf({
  tree,
  subPath,
}: Pick<VolumeVersion, 'tree' | 'subPath'>): AsyncGenerator<PlacedEntry> {
  yield* tree.walk(subPath);
}

class VersionWriter {
  readonly #folder: string;
  readonly #options: WriteOptions;

  constructor(folder: string, options: WriteOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  async own(path: string): Promise<void> {
    const { ownerId } = this.#options;
    if (ownerId !== undefined) await chown(path, ownerId, ownerId);
  }

  async other(path: string, entry: Exclude<VolumeEntry, VolumeFile>): Promise<void> {
    const place = join(this.#folder, path);
    if (entry.type === 'directory') {
      await mkdir(place, { mode: 0o700 });
      return this.own(place);
    }
    const { ownerId } = this.#options;
    await symlink(entry.target, place);
    if (ownerId !== undefined) await lchown(place, ownerId, ownerId);
    await lutimes(place, entry.mtimeMs / 1_000, entry.mtimeMs / 1_000);
  }

  async file(path: string, full: string, entry: VolumeFile): Promise<void> {
    const place = join(this.#folder, path);
    if (await this.#isLinked(place, path, { path: full, entry })) return;
    const file = await open(place, 'wx', 0o600);
    try {
      for (const digest of entry.blocks) await file.write(await this.#options.blobs.getBytes(digest));
      const { ownerId } = this.#options;
      if (ownerId !== undefined) await file.chown(ownerId, ownerId);
      await file.chmod(this.#mode(entry));
      await file.utimes(entry.mtimeMs / 1_000, entry.mtimeMs / 1_000);
    } finally {
      await file.close();
    }
  }

  async finish(path: string, entry: VolumeDirectory): Promise<void> {
    const place = join(this.#folder, path);
    await chmod(place, this.#mode(entry));
    await utimes(place, entry.mtimeMs / 1_000, entry.mtimeMs / 1_000);
  }

  #mode({ mode }: { mode: number }): number {
    return this.#options.isReadOnly ? mode & ~WRITE_BITS : mode;
  }

  async #isLinked(place: string, path: string, { path: full, entry }: PlacedEntry): Promise<boolean> {
    const { near } = this.#options;
    const other = near && entry.type === 'file' ? await near.tree.entry(full) : undefined;
    if (!near || other?.type !== 'file' || entry.type !== 'file' || !isSameFile(entry, other)) return false;
    return link(join(near.folder, path), place).then(
      () => true,
      // A file has so many links at most, and a folder that nobody needs may be gone.
      () => false,
    );
  }
}

function isSameFile(left: VolumeFile, right: VolumeFile): boolean {
  return (
    left.sizeBytes === right.sizeBytes &&
    left.mode === right.mode &&
    left.mtimeMs === right.mtimeMs &&
    left.blocks.every((digest, index) => digest === right.blocks[index])
  );
}

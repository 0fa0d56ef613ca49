import { hash, randomUUID, subtle } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { BlockMemory, heldBlock, type HeldBlock } from './block-memory.ts';

/** Below it, a file is read at once: asking other threads takes longer than the disk. */
const SMALL_BYTES = 128 * 1024;
const REMEMBERED = 250_000;
const TEMPORARY = 'tmp';

/** A block of a folder, as a listing shows it. */
export interface StoredBlock {
  path: string;
  sizeBytes: number;
  usedAtMs: number;
}

/**
 * Blocks as files of a local disk, which any number of processes share: `<2 hex>/<2 hex>/<digest>`, as a blob store on
 * disk has them.
 *
 * Invariants
 *   L1. No bytes leave it that do not have their digest. A file that this process did not write is checked when it
 *       is read first, and every file when it was changed since.
 *   L2. A file under its final name was written elsewhere and renamed; what a crash or a lying disk made of it is
 *       found by L1.
 */
export class BlockFolder {
  /** Where blocks are read to. */
  readonly memory = new BlockMemory();
  readonly #folder: string;
  /** What checked files looked like, by digest. */
  readonly #checked = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The block, held for the caller; undefined if there is none, `'damaged'` if the file has other bytes.
   *
   * @param sizeBytes About how large it is.
   */
  async read(
    digest: string,
    sizeBytes = Number.MAX_SAFE_INTEGER,
  ): Promise<HeldBlock | 'damaged' | undefined> {
    const path = this.#pathOf(digest);
    try {
      const { block, mark } = sizeBytes <= SMALL_BYTES ? readSmall(path) : await readLarge(path, this.memory);
      if (this.#checked.get(digest) === mark) return block;
      if ((await digestOf(block.bytes)) !== digest) {
        block.release();
        return 'damaged';
      }
      this.#note(digest, mark);
      return block;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** @param bytes Known to have this digest. */
  async write(digest: string, bytes: Uint8Array): Promise<void> {
    const path = this.#pathOf(digest);
    const temporary = join(this.#folder, TEMPORARY, `${process.pid}-${randomUUID()}`);
    try {
      await mkdir(dirname(temporary), { recursive: true });
      await writeFile(temporary, bytes);
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
      this.#note(digest, markOf(await stat(path, { bigint: true })));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async remove(digest: string): Promise<void> {
    await rm(this.#pathOf(digest), { force: true });
  }

  /** Writes down that a block is in use. It is checked anew at its next reading, as it was changed. */
  async touch(digest: string, nowMs: number): Promise<void> {
    // Somebody else may have removed it.
    await utimes(this.#pathOf(digest), nowMs / 1000, nowMs / 1000).catch(() => undefined);
  }

  /** All blocks, and what was left half written. */
  async *list(): AsyncGenerator<StoredBlock> {
    const entries = await readdir(this.#folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const info = await stat(path).catch(() => undefined);
      if (info) yield { path, sizeBytes: info.size, usedAtMs: info.mtimeMs };
    }
  }

  #pathOf(digest: string): string {
    const hex = digest.slice('sha256-'.length);
    return join(this.#folder, hex.slice(0, 2), hex.slice(2, 4), digest);
  }

  #note(digest: string, mark: string): void {
    this.#checked.delete(digest);
    this.#checked.set(digest, mark);
    const [oldest] = this.#checked.keys();
    if (this.#checked.size > REMEMBERED && oldest !== undefined) this.#checked.delete(oldest);
  }
}

interface Content {
  block: HeldBlock;
  /** Another one if the file was changed. */
  mark: string;
}

function readSmall(path: string): Content {
  const file = openSync(path, 'r');
  try {
    const info = fstatSync(file, { bigint: true });
    const bytes = Buffer.allocUnsafeSlow(Number(info.size));
    let done = 0;
    while (done < bytes.length) {
      const got = readSync(file, bytes, done, bytes.length - done, done);
      if (got === 0) break;
      done += got;
    }
    return { block: heldBlock(bytes.subarray(0, done)), mark: markOf(info) };
  } finally {
    closeSync(file);
  }
}

async function readLarge(path: string, memory: BlockMemory): Promise<Content> {
  const file = await open(path, 'r');
  try {
    const info = await file.stat({ bigint: true });
    const place = memory.place(Number(info.size));
    try {
      place.bytes = await readWhole(file, place.bytes);
    } catch (error) {
      place.release();
      throw error;
    }
    return { block: place, mark: markOf(info) };
  } finally {
    await file.close();
  }
}

/** Fills the place as far as the file goes. */
async function readWhole(file: FileHandle, bytes: Uint8Array): Promise<Uint8Array> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

function markOf({ ino, size, ctimeNs }: BigIntStats): string {
  return `${ino}/${size}/${ctimeNs}`;
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SMALL_BYTES) return `sha256-${hash('sha256', bytes, 'hex')}`;
  const digest = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return `sha256-${Buffer.from(digest).toString('hex')}`;
}

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { asBlobError, blobNotFound, isMissing, vendorCode } from './blob-errors.ts';
import type { BlobSource, BlobStore, StoredBlob } from './blob-store.ts';
import { ContentHash, digestOf, requireDigest, verified, verifyRead, verifyWritten } from './digest.ts';

const READ_CHUNK_BYTES = 256 * 1024;
// Longer than any upload takes, so a file this old belongs to a process that died while writing it.
const ABANDONED_MS = 24 * 3600 * 1000;

// One blob is one file, <root>/<2 hex>/<2 hex>/<digest>.
//
// Invariants
//   D1. A file under its final name is complete: it was written elsewhere, synced, then renamed.
//   D2. `put` resolves only after the file and every directory entry that leads to it are on disk.
//   D3. A failed `put` leaves nothing but, after a crash, a file in `<root>/tmp` that a later start removes.

/** A {@link BlobStore} in a directory; processes on the same machine may share it. */
export class DiskBlobStore implements BlobStore {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Opens the store, making the directory when it is missing. */
  static async open(root: string): Promise<DiskBlobStore> {
    const store = new DiskBlobStore(root);
    await store.#translating(() => store.#removeAbandoned());
    return store;
  }

  async put(digest: string, source: BlobSource): Promise<void> {
    requireDigest(digest);
    const temporary = join(this.#root, 'tmp', randomUUID());
    await this.#translating(async () => {
      try {
        verifyWritten(digest, await writeSynced(temporary, source));
        await this.#publish(temporary, this.#pathOf(digest));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  async putBytes(bytes: Uint8Array): Promise<StoredBlob> {
    const digest = digestOf(bytes);
    await this.put(digest, bytes);
    return { digest, sizeBytes: bytes.byteLength };
  }

  async get(digest: string): Promise<AsyncIterable<Uint8Array>> {
    if (!(await this.has(digest))) throw blobNotFound(digest);
    return verified(digest, this.#read(digest));
  }

  async getBytes(digest: string): Promise<Uint8Array> {
    requireDigest(digest);
    const bytes = await this.#translating(() => readFile(this.#pathOf(digest)), digest);
    verifyRead(digest, digestOf(bytes));
    return bytes;
  }

  async has(digest: string): Promise<boolean> {
    requireDigest(digest);
    try {
      return (await stat(this.#pathOf(digest))).isFile();
    } catch (error) {
      if (isMissing(error)) return false;
      throw asBlobError(error, this.#root);
    }
  }

  async delete(digest: string): Promise<void> {
    requireDigest(digest);
    await this.#translating(() => rm(this.#pathOf(digest), { force: true }));
  }

  #pathOf(digest: string): string {
    const hex = digest.slice('sha256-'.length);
    return join(this.#root, hex.slice(0, 2), hex.slice(2, 4), digest);
  }

  // Opens the file only when iterated, so that an iterable nobody reads holds no file open.
  async *#read(digest: string): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(this.#pathOf(digest), { highWaterMark: READ_CHUNK_BYTES });
    } catch (error) {
      throw isMissing(error) ? blobNotFound(digest) : asBlobError(error, this.#root);
    }
  }

  async #publish(temporary: string, path: string): Promise<void> {
    const directory = dirname(path);
    const firstCreated = await mkdir(directory, { recursive: true });
    await rename(temporary, path);
    await syncDirectory(directory);
    if (firstCreated === undefined) return;
    await syncDirectory(dirname(directory));
    await syncDirectory(this.#root);
  }

  async #removeAbandoned(): Promise<void> {
    const directory = join(this.#root, 'tmp');
    await mkdir(directory, { recursive: true });
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      const info = await stat(path).catch(() => undefined);
      if (info !== undefined && Date.now() - info.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    }
  }

  async #translating<T>(action: () => Promise<T>, digest?: string): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw digest !== undefined && isMissing(error) ? blobNotFound(digest) : asBlobError(error, this.#root);
    }
  }
}

/** Writes a new file, syncs it and returns the digest of what was written. */
async function writeSynced(path: string, source: BlobSource): Promise<string> {
  const file = await open(path, 'wx');
  try {
    const hash = new ContentHash();
    for await (const chunk of source instanceof Uint8Array ? [source] : source) {
      hash.update(chunk);
      await writeAll(file, chunk);
    }
    await file.datasync();
    return hash.digest();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) {
    offset += (await file.write(chunk, offset)).bytesWritten;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // Some file systems cannot sync a directory; there the rename itself is the best that can be had.
    if (vendorCode(error) !== 'EINVAL') throw error;
  } finally {
    await directory.close();
  }
}

import { randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  utimes,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BLOCK_BYTES, valueName } from '@gantry/protocol';
import { asBlobError, blobNotFound, isMissing } from './blob-errors.ts';
import type { BlobSource, BlobStore, FilePart, StoredBlob, StoredValue } from './blob-store.ts';
import {
  ContentHash,
  digestOf,
  pathOf,
  requireName,
  VALUES,
  verified,
  verifyRead,
  verifyWritten,
} from './digest.ts';
import { readPart } from './file-part.ts';
import { NamesOnDisk } from './names-on-disk.ts';
import { PartWriters } from './part-writers.ts';

/** Folders of blobs that are no values. */
const HEX = /^[0-9a-f]{2}$/;
const READ_CHUNK_BYTES = 256 * 1024;
/** While some write, others hash. */
const THREADS = 4;
/** Longer than the time between commits of a container that goes on: starting threads takes as long as storing 100 MiB. */
const THREADS_IDLE_MS = 30_000;
const LEAST_FOR_THREADS = 1024 * 1024;
// Longer than any upload takes, so a file this old belongs to a process that died while writing it.
const ABANDONED_MS = 24 * 3600 * 1000;

// One blob is one file, <root>/<2 hex>/<2 hex>/<digest>, or for values <root>/values/<day>/<2 hex>/<digest>.
//
// Invariants
//   D1. A file under its final name is complete: it was written elsewhere, synced, then renamed.
//   D2. `put` resolves only after the file and every directory entry that leads to it are on disk.
//   D3. What is there (`has`, `sizeBytes`, `storedAtMs`, `refresh`) is so on disk, too, whoever stores it: a commit may rely on it.
//   D4. A failed `put` leaves nothing but, after a crash, a file in `<root>/tmp` that a later start removes.

/** A {@link BlobStore} in a directory; processes on the same machine may share it. */
export class DiskBlobStore implements BlobStore {
  readonly #root: string;
  readonly #names: NamesOnDisk;
  readonly #writers = new PartWriters({ threads: THREADS, partBytes: BLOCK_BYTES, idleMs: THREADS_IDLE_MS });

  private constructor(root: string) {
    this.#root = resolve(root);
    this.#names = new NamesOnDisk(this.#root);
  }

  /** Opens the store, making the directory when it is missing. */
  static async open(root: string): Promise<DiskBlobStore> {
    const store = new DiskBlobStore(root);
    await store.#translating(() => store.#removeAbandoned());
    return store;
  }

  async put(name: string, source: BlobSource): Promise<void> {
    const { digest } = requireName(name);
    await this.#store(name, async (path) => {
      const hash = new ContentHash();
      await writeSynced(path, hashed(source, hash));
      verifyWritten(digest, hash.digest());
    });
  }

  async putBytes(bytes: Uint8Array): Promise<StoredBlob> {
    const digest = digestOf(bytes);
    await this.#store(digest, (path) => writeSynced(path, [bytes]));
    return { digest, sizeBytes: bytes.byteLength };
  }

  async putPart(part: FilePart): Promise<StoredBlob> {
    const { file, start, length } = part;
    // For little, a thread costs more than it does.
    if (length < LEAST_FOR_THREADS || length > BLOCK_BYTES) return this.putBytes(await readPart(part));
    return this.#published(async (path) => {
      const stored = await this.#writers.write({ fd: file.fd, start, length, path });
      // Not by the thread, which meanwhile hashes the next.
      await syncFile(path);
      return { name: stored.digest, result: stored };
    });
  }

  async putValue(bytes: Uint8Array): Promise<StoredValue> {
    const name = valueName(digestOf(bytes), Date.now());
    await this.#store(name, (path) => writeSynced(path, [bytes]));
    return { name, sizeBytes: bytes.byteLength };
  }

  async get(name: string): Promise<AsyncIterable<Uint8Array>> {
    if (!(await this.#fileOf(name))) throw blobNotFound(name);
    return verified(requireName(name).digest, this.#read(name));
  }

  async getBytes(name: string): Promise<Uint8Array> {
    const { digest } = requireName(name);
    const bytes = await this.#translating(() => readFile(this.#pathOf(name)), name);
    verifyRead(digest, digestOf(bytes));
    return bytes;
  }

  async has(name: string): Promise<boolean> {
    return (await this.storedAtMs(name)) !== undefined;
  }

  async sizeBytes(name: string): Promise<number | undefined> {
    return (await this.#storedFileOf(name))?.size;
  }

  async storedAtMs(name: string): Promise<number | undefined> {
    return (await this.#storedFileOf(name))?.mtimeMs;
  }

  /** D3. */
  async #storedFileOf(name: string): Promise<Stats | undefined> {
    const info = await this.#fileOf(name);
    if (info) await this.#translating(() => this.#names.assure(this.#pathOf(name), info));
    return info;
  }

  async #fileOf(name: string): Promise<Stats | undefined> {
    const path = this.#pathOf(name);
    const info = await this.#ifThere(() => stat(path));
    return info?.isFile() === true ? info : undefined;
  }

  async refresh(name: string): Promise<boolean> {
    const path = this.#pathOf(name);
    const now = new Date();
    const isThere = (await this.#ifThere(() => utimes(path, now, now).then(() => true))) ?? false;
    return isThere && (await this.#storedFileOf(name)) !== undefined;
  }

  async *list(): AsyncGenerator<{ digest: string; storedAtMs: number }> {
    const folders = await this.#translating(() => readNames(this.#root));
    for (const folder of folders.filter((name) => HEX.test(name))) yield* this.#listFolder(folder);
  }

  async *#listFolder(folder: string): AsyncGenerator<{ digest: string; storedAtMs: number }> {
    for (const part of await this.#translating(() => readNames(join(this.#root, folder)))) {
      for (const digest of await this.#translating(() => readNames(join(this.#root, folder, part)))) {
        const info = await this.#fileOf(digest);
        if (info) yield { digest, storedAtMs: info.mtimeMs };
      }
    }
  }

  async delete(name: string): Promise<void> {
    const path = this.#pathOf(name);
    await this.#translating(() => rm(path, { force: true }));
    if (requireName(name).day !== undefined) await removeEmpty(dirname(path), dirname(dirname(path)));
  }

  async days(): Promise<number[]> {
    const names = await this.#translating(() => readNames(join(this.#root, VALUES)));
    return names.filter((name) => /^\d+$/.test(name)).map(Number);
  }

  async *valuesOf(day: number): AsyncGenerator<string> {
    const folder = join(this.#root, VALUES, String(day));
    for (const part of await this.#translating(() => readNames(folder))) {
      for (const digest of await this.#translating(() => readNames(join(folder, part))))
        yield `d${day}-${digest}`;
    }
  }

  #pathOf(name: string): string {
    return join(this.#root, pathOf(name));
  }

  // Opens the file only when iterated, so that an iterable nobody reads holds no file open.
  async *#read(name: string): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(this.#pathOf(name), { highWaterMark: READ_CHUNK_BYTES });
    } catch (error) {
      throw isMissing(error) ? blobNotFound(name) : asBlobError(error, this.#root);
    }
  }

  /** Publishes under a name what is written to a path. */
  #store(name: string, write: (path: string) => Promise<void>): Promise<void> {
    return this.#published(async (path) => ({ name, result: await write(path) }));
  }

  /** As {@link #store}, where the name is known once it is written. */
  async #published<T>(write: (path: string) => Promise<{ name: string; result: T }>): Promise<T> {
    const temporary = join(this.#root, 'tmp', randomUUID());
    return this.#translating(async () => {
      try {
        const { name, result } = await write(temporary);
        await this.#publish(temporary, this.#pathOf(name));
        return result;
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  async #publish(temporary: string, path: string): Promise<void> {
    const directory = dirname(path);
    const firstCreated = await mkdir(directory, { recursive: true });
    if (firstCreated !== undefined) this.#names.made(directory);
    await rename(temporary, path);
    await this.#names.named(path);
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

  async #ifThere<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw asBlobError(error, this.#root);
    }
  }

  async #translating<T>(action: () => Promise<T>, name?: string): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw name !== undefined && isMissing(error) ? blobNotFound(name) : asBlobError(error, this.#root);
    }
  }
}

/** Writes a new file, and syncs it. */
async function writeSynced(
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) await writeAll(file, chunk);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function* hashed(source: BlobSource, hash: ContentHash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source instanceof Uint8Array ? [source] : source) {
    hash.update(chunk);
    yield chunk;
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.byteLength) {
    offset += (await file.write(chunk, offset)).bytesWritten;
  }
}

async function readNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

// What is in them stays: somebody else may remove the rest.
async function removeEmpty(...folders: string[]): Promise<void> {
  for (const folder of folders) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}

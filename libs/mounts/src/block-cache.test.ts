import { randomBytes } from 'node:crypto';
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { BLOCK_BYTES, ExecutionError, InternalFailure, NotFoundError } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { BlockCache } from './block-cache.ts';
import { BlockFolder } from './block-folder.ts';
import { digestOf } from './test-volume.fixture.ts';

/** A store that counts, and can fail a number of times. */
class Store {
  readonly blocks = new Map<string, Uint8Array>();
  reads = 0;
  failures: Error[] = [];

  add(bytes: Uint8Array): string {
    this.blocks.set(digestOf(bytes), bytes);
    return digestOf(bytes);
  }

  async getBytes(digest: string, into: Uint8Array): Promise<Uint8Array> {
    this.reads++;
    await new Promise((resolve) => setImmediate(resolve));
    const failure = this.failures.shift();
    if (failure) throw failure;
    const bytes = this.blocks.get(digest);
    if (!bytes) throw new NotFoundError('no such block');
    if (bytes.length > into.length) return bytes;
    into.set(bytes);
    return into.subarray(0, bytes.length);
  }
}

interface Setting {
  store: Store;
  folder: string;
  warnings: string[];
  cache: (options?: { limitBytes?: number; patienceMs?: number; folder?: string }) => BlockCache;
  pathOf: (digest: string) => string;
}

async function withStore(test: (setting: Setting) => Promise<void>): Promise<void> {
  await using directory = await temporaryDirectory('gantry-blocks-');
  const folder = join(directory.path, 'blocks');
  const store = new Store();
  const warnings: string[] = [];
  await test({
    ...{ store, folder, warnings },
    cache: ({ limitBytes = 2 ** 30, patienceMs = 60_000, folder: at = folder } = {}) =>
      new BlockCache({
        ...{ source: store, folder: new BlockFolder(at), limitBytes, patienceMs },
        warn: (message) => warnings.push(message),
      }),
    pathOf: (digest) => join(folder, digest.slice(7, 9), digest.slice(9, 11), digest),
  });
}

describe('the cache of blocks', () => {
  it('hands a block that it still writes to later readers too, and to each for as long as he holds it', async () => {
    await withStore(async ({ store, cache, pathOf }) => {
      const [digest, other] = [store.add(randomBytes(BLOCK_BYTES)), store.add(randomBytes(BLOCK_BYTES))];
      const blocks = cache();
      const [first, second] = await Promise.all([
        blocks.read(digest, BLOCK_BYTES),
        blocks.read(digest, BLOCK_BYTES),
      ]);
      const late = await blocks.read(digest, BLOCK_BYTES);
      first.release();
      second.release();
      await blocks.idle();
      // Read by who is done, written, and still looked at by one: another block is put elsewhere.
      const next = await blocks.read(other, BLOCK_BYTES);
      expect(digestOf(late.bytes)).toBe(digest);
      expect(digestOf(next.bytes)).toBe(other);
      expect(digestOf(await readFile(pathOf(digest)))).toBe(digest);
      const [place, size] = [late.bytes.buffer, store.reads];
      late.release();
      expect((await blocks.read(digest, BLOCK_BYTES)).bytes.buffer).toBe(place);
      expect(store.reads).toBe(size);
    });
  });

  it('fetches a block once, for all who ask at a time and for all who ask later', async () => {
    await withStore(async ({ store, cache }) => {
      const digest = store.add(randomBytes(300_000));
      const first = cache();
      const all = await Promise.all(Array.from({ length: 20 }, () => first.read(digest)));
      for (const { bytes } of all) expect(digestOf(bytes)).toBe(digest);
      await first.idle();
      // Another process has the same folder.
      expect(digestOf((await cache().read(digest)).bytes)).toBe(digest);
      expect(store.reads).toBe(1);
    });
  });

  it('asks again for a block while the store cannot be reached, and at once gives up what nothing can mend', async () => {
    await withStore(async ({ store, cache, warnings }) => {
      const digest = store.add(Buffer.from('a'));
      store.failures = [new InternalFailure('out'), new InternalFailure('out')];
      expect(Buffer.from((await cache().read(digest)).bytes).toString()).toBe('a');
      expect(store.reads).toBe(3);
      expect(warnings).toHaveLength(1);
      const damaged = store.add(Buffer.from('b'));
      store.failures = [new ExecutionError('damaged')];
      await expect(cache().read(damaged)).rejects.toThrow('damaged');
      await expect(cache().read(digestOf(Buffer.from('c')))).rejects.toThrow('no such block');
      store.failures = Array.from({ length: 3 }, () => new InternalFailure('out'));
      await expect(cache({ patienceMs: 1 }).read(damaged)).rejects.toThrow('out');
    });
  });

  it('never answers with what is not the block, and mends it', async () => {
    await withStore(async ({ store, cache, pathOf, warnings }) => {
      for (const sizeBytes of [100, 300_000]) {
        const bytes = randomBytes(sizeBytes);
        const digest = store.add(bytes);
        const first = cache();
        await first.read(digest, sizeBytes);
        await first.idle();
        for (const damaged of [bytes.subarray(0, sizeBytes / 2), randomBytes(sizeBytes), Buffer.alloc(0)]) {
          // Whoever has read it before sees that it was changed.
          expect(digestOf((await first.read(digest, sizeBytes)).bytes)).toBe(digest);
          await writeFile(pathOf(digest), damaged);
          expect(digestOf((await first.read(digest, sizeBytes)).bytes)).toBe(digest);
          await first.idle();
          await writeFile(pathOf(digest), damaged);
          const second = cache();
          expect(digestOf((await second.read(digest, sizeBytes)).bytes)).toBe(digest);
          await second.idle();
        }
      }
      expect(warnings.filter((line) => line.includes('was damaged'))).toHaveLength(12);
    });
  });

  it('stays under its limit, and keeps what was used last', async () => {
    await withStore(async ({ store, cache, pathOf, folder }) => {
      const filled = cache({ limitBytes: 100_000 });
      const digests = Array.from({ length: 9 }, () => store.add(randomBytes(10_000)));
      for (const [index, digest] of digests.entries()) {
        await filled.read(digest);
        await filled.idle();
        await utimes(pathOf(digest), 1_000 + index, 1_000 + index);
      }
      // Another process, so it marks the block as used.
      await cache().read(digests[0] ?? '');
      for (let more = 0; more < 2; more++) {
        await filled.read(store.add(randomBytes(10_000)));
        await filled.idle();
      }
      let sizeBytes = 0;
      for await (const block of new BlockFolder(folder).list()) sizeBytes += block.sizeBytes;
      expect(sizeBytes).toBeLessThanOrEqual(100_000);
      await expect(stat(pathOf(digests[1] ?? ''))).rejects.toThrow('ENOENT');
      await expect(stat(pathOf(digests[0] ?? ''))).resolves.toBeDefined();
      expect(digestOf((await filled.read(digests[1] ?? '')).bytes)).toBe(digests[1]);
    });
  });

  it('that has no place on disk costs time, not answers', async () => {
    await withStore(async ({ store, cache, folder, warnings }) => {
      await writeFile(folder, 'a file where a folder should be');
      const homeless = cache();
      const digest = store.add(Buffer.from('a'));
      for (let round = 0; round < 3; round++) {
        expect(digestOf((await homeless.read(digest)).bytes)).toBe(digest);
        await homeless.idle();
      }
      expect(store.reads).toBe(3);
      expect(warnings).toHaveLength(1);
    });
  });
});

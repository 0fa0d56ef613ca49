import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type BlobStore, type BlobStoreConfig, openBlobStore, volumeStoreConfig } from '@gantry/blobs';
import { findMountProblem, VersionMounts } from '@gantry/mounts';
import { BLOCK_BYTES, type VolumeEntry } from '@gantry/protocol';
import { minioAvailable, startMinio, temporaryDirectory } from '@gantry/testing';
import { VolumeTree } from '@gantry/volumes';
import { describe, expect, it, vi } from 'vitest';

import type { VolumeBlocksSetup } from './volume-blocks.ts';

const problem = findMountProblem();
if (problem) console.warn(`SKIPPED: no mounts from stores, ${problem.message}. ${problem.hint}`);

/** Resolves to the root of a version that has these files. */
async function storeVersion(store: BlobStore, files: Record<string, Buffer>): Promise<string> {
  const pages = {
    read: (digest: string) => store.getBytes(digest),
    write: async (bytes: Uint8Array) => (await store.putBytes(bytes)).digest,
  };
  const changes = Object.entries(files).map(async ([path, content]) => {
    const blocks: string[] = [];
    for (let at = 0; at < content.length; at += BLOCK_BYTES)
      blocks.push((await store.putBytes(content.subarray(at, at + BLOCK_BYTES))).digest);
    const entry: VolumeEntry = { type: 'file', mode: 0o644, mtimeMs: 0, sizeBytes: content.length, blocks };
    return { path, entry };
  });
  const tree = await VolumeTree.open(pages, undefined);
  return (await tree.apply(await Promise.all(changes))).save();
}

function mountsOf(folder: string, blobs: BlobStoreConfig, warn: (message: string) => void): VersionMounts {
  const setup: VolumeBlocksSetup = { blobs, cacheFolder: join(folder, 'cache'), cacheBytes: 2 ** 30 };
  const program = join(import.meta.dirname, 'mount-daemon.ts');
  return new VersionMounts({ folder: join(folder, 'mounts'), program, setup, warn });
}

describe.skipIf(problem)('the mount daemon of a worker', { timeout: 180_000 }, () => {
  it('reads blocks of a store on this disk where they are', async () => {
    await using folder = await temporaryDirectory('gantry-daemon-');
    const blobs: BlobStoreConfig = { type: 'disk', path: join(folder.path, 'blobs') };
    const content = randomBytes(BLOCK_BYTES + 10);
    const root = await storeVersion(await openBlobStore(volumeStoreConfig(blobs)), { content });
    const mounts = mountsOf(folder.path, blobs, () => undefined);
    try {
      const { path } = await mounts.mount({ root, ownerId: 0 });
      expect((await readFile(join(path, 'content'))).equals(content)).toBe(true);
      await expect(readFile(join(folder.path, 'cache'))).rejects.toMatchObject({ code: 'ENOENT' });
    } finally {
      await mounts.close();
    }
  });

  it.skipIf(!minioAvailable())(
    'reads on when the store comes back, and what it has read before in between (skipped only without the minio program)',
    async () => {
      await using folder = await temporaryDirectory('gantry-daemon-');
      await using minio = await startMinio();
      const { endpoint, accessKey, secretKey } = minio;
      const blobs: BlobStoreConfig = { type: 's3', endpoint, accessKey, secretKey, bucket: 'blobs' };
      const [before, after] = [randomBytes(3 * BLOCK_BYTES), randomBytes(2 * BLOCK_BYTES)] as const;
      const store = await openBlobStore(volumeStoreConfig(blobs));
      const root = await storeVersion(store, { before, after });
      const warnings: string[] = [];
      const mounts = mountsOf(folder.path, blobs, (message) => warnings.push(message));
      try {
        const mine = await mounts.mount({ root, ownerId: 0 });
        expect((await readFile(join(mine.path, 'before'))).equals(before)).toBe(true);
        // Another mount, of which the kernel knows nothing: from the cache.
        const other = await mounts.mount({ root, ownerId: 1 });
        minio.kill();
        expect((await readFile(join(other.path, 'before'))).equals(before)).toBe(true);
        const reading = readFile(join(other.path, 'after'));
        reading.catch(() => undefined);
        await vi.waitFor(() => expect(warnings.join()).toContain('is asked for again'), { timeout: 60_000 });
        await minio.restart();
        expect((await reading).equals(after)).toBe(true);
      } finally {
        await mounts.close();
      }
    },
  );
});

import { chmod, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';
import { blobStoreContract } from './blob-store.contract.ts';
import { openBlobStore } from './open-blob-store.ts';

blobStoreContract('disk', async () => {
  const directory = await temporaryDirectory();
  return {
    store: await openBlobStore({ type: 'disk', path: join(directory.path, 'blobs') }),
    damage: async (digest) => {
      const path = pathOf(directory.path, digest);
      await chmod(path, 0o644);
      await writeFile(path, 'something else');
    },
    [Symbol.asyncDispose]: directory.remove,
  };
});

test('a failed write leaves no file behind', async () => {
  await using directory = await temporaryDirectory();
  const store = await openBlobStore({ type: 'disk', path: directory.path });

  await expect(store.put(`sha256-${'0'.repeat(64)}`, new Uint8Array(10))).rejects.toThrow('has the digest');

  expect(await readdir(directory.path)).toEqual(['tmp']);
  expect(await readdir(join(directory.path, 'tmp'))).toEqual([]);
});

test('opening removes files that a dead process left half written, and no younger ones', async () => {
  await using directory = await temporaryDirectory();
  await openBlobStore({ type: 'disk', path: directory.path });
  const [old, young] = ['old', 'young'].map((name) => join(directory.path, 'tmp', name)) as [string, string];
  await writeFile(old, 'half');
  await writeFile(young, 'half');
  await utimes(old, new Date('2001-01-01'), new Date('2001-01-01'));

  await openBlobStore({ type: 'disk', path: directory.path });

  expect(await readdir(join(directory.path, 'tmp'))).toEqual(['young']);
});

function pathOf(root: string, digest: string): string {
  return join(root, 'blobs', digest.slice(7, 9), digest.slice(9, 11), digest);
}

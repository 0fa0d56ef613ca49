import { expect, test } from 'vitest';

import { FolderSyncs } from './folder-syncs.ts';

/** Syncs that end when they are told to. */
function heldSyncs() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const syncs = new FolderSyncs((folder) => {
    begun.push(folder);
    return new Promise<void>((resolve) => ends.set(folder, resolve));
  });
  return { begun, ends, syncs };
}

test('folders that wait for the disk together are synced together, and each once', async () => {
  const { begun, ends, syncs } = heldSyncs();
  const first = syncs.sync(['a']);
  await Promise.resolve();
  const others = [syncs.sync(['b', 'c']), syncs.sync(['c']), syncs.sync(['a'])];
  expect(begun).toEqual(['a']);
  ends.get('a')?.();
  await first;
  await expect.poll(() => begun).toEqual(['a', 'b', 'c', 'a']);
  for (const end of ends.values()) end();
  await Promise.all(others);
});

test('a folder that changed after its sync began is synced again', async () => {
  const { begun, ends, syncs } = heldSyncs();
  void syncs.sync(['a']);
  await Promise.resolve();
  let isDone = false;
  const again = syncs.sync(['a']).then(() => (isDone = true));
  ends.get('a')?.();
  await expect.poll(() => begun).toEqual(['a', 'a']);
  expect(isDone).toBe(false);
  ends.get('a')?.();
  await again;
});

test('those that wait for a folder that cannot be synced hear of it, and nobody later', async () => {
  let works = false;
  const syncs = new FolderSyncs(async () => {
    if (!works) throw new Error('the disk is gone');
  });
  await expect(syncs.sync(['a'])).rejects.toThrow('the disk is gone');
  works = true;
  await syncs.sync(['a']);
});

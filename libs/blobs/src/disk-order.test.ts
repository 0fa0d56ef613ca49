import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { join, relative } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { afterEach, expect, test, vi } from 'vitest';

import type { BlobStore } from './blob-store.ts';
import { digestOf } from './digest.ts';
import { openBlobStore } from './open-blob-store.ts';

const seen = vi.hoisted(() => [] as string[]);

// What is on disk nobody can see but by a power cut: seen is what the store waits for, and in which order.
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>();
  const opened = async (...args: Parameters<typeof fs.open>) => {
    const file = await real.open(...args);
    for (const name of ['sync', 'datasync'] as const) {
      const wait = file[name].bind(file);
      file[name] = async () => {
        await wait();
        seen.push(`synced ${String(args[0])}`);
      };
    }
    return file;
  };
  const rename = async (from: string, to: string) => {
    await real.rename(from, to);
    seen.push(`named ${from} ${to}`);
  };
  return { ...real, open: opened, rename };
});

afterEach(() => void seen.splice(0));

const bytes = randomBytes(1024 * 1024 + 4096);

test.each([
  ['bytes', (store: BlobStore) => store.putBytes(bytes)],
  ['a stream', (store: BlobStore) => store.put(digestOf(bytes), bytes)],
  ['a value', (store: BlobStore) => store.putValue(bytes)],
  ['a large part of a file', (store: BlobStore, path: string) => putPart(store, path, bytes.length)],
  ['one that is no whole page', (store: BlobStore, path: string) => putPart(store, path, bytes.length - 1)],
  ['a small part of a file', (store: BlobStore, path: string) => putPart(store, path, 1000)],
])('has its name when it is on disk, and is stored when the folders above it are: %s', async (_, put) => {
  await using directory = await temporaryDirectory();
  const root = join(directory.path, 'blobs');
  const store = await openBlobStore({ type: 'disk', path: root });
  const path = join(directory.path, 'file');
  await fs.writeFile(path, bytes);

  await put(store, path);

  const events = seen.splice(0).map((event) => event.split(' '));
  const [first, second, ...others] = events;
  const [from = '', to = ''] = second?.slice(1) ?? [];
  expect(first).toEqual(['synced', from]);
  expect(second?.[0]).toBe('named');
  expect(relative(root, from)).toMatch(/^tmp/);
  const above = relative(root, to).split('/').slice(0, -1);
  const folders = above.map((_, at) => join(root, ...above.slice(0, at)));
  expect(others.map(([, folder]) => folder).sort()).toEqual([...folders, join(root, ...above)].sort());
});

async function putPart(store: BlobStore, path: string, length: number): Promise<unknown> {
  const file = await fs.open(path);
  try {
    return await store.putPart({ file, start: 0, length });
  } finally {
    await file.close();
  }
}

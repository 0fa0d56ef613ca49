import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { afterEach, expect, test, vi } from 'vitest';

import type { BlobStore } from './blob-store.ts';
import { digestOf } from './digest.ts';
import { openBlobStore } from './open-blob-store.ts';

const seen = vi.hoisted(() => [] as string[]);
const refused = vi.hoisted(() => ({ mode: false }));

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
  const chmod = async (path: string, mode: number) => {
    if (refused.mode) throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
    await real.chmod(path, mode);
  };
  return { ...real, open: opened, rename, chmod };
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

test.each([
  ['has', (store: BlobStore, digest: string) => store.has(digest), true],
  ['sizeBytes', (store: BlobStore, digest: string) => store.sizeBytes(digest), bytes.length],
  ['storedAtMs', (store: BlobStore, digest: string) => store.storedAtMs(digest), expect.any(Number)],
  ['refresh', (store: BlobStore, digest: string) => store.refresh(digest), true],
])(
  'what another process has named only just is there when the folders above it are on disk: %s',
  async (_, ask, answer) => {
    await using directory = await temporaryDirectory();
    const { store, digest, folders } = await storeWithName(directory.path);

    expect(await ask(store, digest)).toEqual(answer);
    expect(seen.splice(0).sort()).toEqual(folders.map((folder) => `synced ${folder}`).sort());

    const others = await openBlobStore({ type: 'disk', path: directory.path });
    expect([await ask(store, digest), await ask(others, digest)]).toEqual([answer, answer]);
    expect(seen).toEqual([]);
  },
);

test('what is stored is known to be on disk, by other processes too', async () => {
  await using directory = await temporaryDirectory();
  const store = await openBlobStore({ type: 'disk', path: directory.path });
  const { digest } = await store.putBytes(bytes);
  seen.splice(0);

  const others = await openBlobStore({ type: 'disk', path: directory.path });
  expect([await others.has(digest), await others.refresh(digest)]).toEqual([true, true]);
  expect(seen).toEqual([]);
});

test('a folder that another process made is on disk, too, when what is stored in it is', async () => {
  await using directory = await temporaryDirectory();
  const store = await openBlobStore({ type: 'disk', path: directory.path });
  const [one, two] = inOneFolder();
  const folder = join(directory.path, digestOf(one).slice(7, 9), digestOf(one).slice(9, 11));
  await fs.mkdir(folder, { recursive: true });

  await store.putBytes(one);
  expect(seen.splice(0).slice(2).sort()).toEqual(
    [directory.path, dirname(folder), folder].map((each) => `synced ${each}`),
  );
  await store.putBytes(two);
  expect(seen.slice(2)).toEqual([`synced ${folder}`]);
});

/** Contents whose blobs are in the same folder. */
function inOneFolder(): [Uint8Array, Uint8Array] {
  const byFolder = new Map<string, Uint8Array>();
  for (let number = 0; ; number++) {
    const content = Buffer.from(String(number));
    const folder = digestOf(content).slice(7, 11);
    const other = byFolder.get(folder);
    if (other) return [other, content];
    byFolder.set(folder, content);
  }
}

test('where modes cannot be changed names are brought to disk whenever they are looked for', async () => {
  await using directory = await temporaryDirectory();
  const { store, digest, folders } = await storeWithName(directory.path);
  refused.mode = true;
  try {
    for (let time = 0; time < 2; time++) {
      expect(await store.has(digest)).toBe(true);
      expect(seen.splice(0)).toContain(`synced ${folders.at(-1)}`);
    }
  } finally {
    refused.mode = false;
  }
});

test('what is stored once more is not known to be on disk before the folders are', async () => {
  await using directory = await temporaryDirectory();
  const store = await openBlobStore({ type: 'disk', path: directory.path });
  const { digest } = await store.putBytes(bytes);
  const { folders } = await storeWithName(directory.path);
  seen.splice(0);

  expect(await store.has(digest)).toBe(true);
  expect(seen).toEqual([`synced ${folders.at(-1)}`]);
});

/** A store in which a process has named a blob, and has not come to the folders. */
async function storeWithName(
  root: string,
): Promise<{ store: BlobStore; digest: string; folders: readonly string[] }> {
  const store = await openBlobStore({ type: 'disk', path: root });
  const digest = digestOf(bytes);
  const above = [digest.slice(7, 9), digest.slice(9, 11)] as const;
  const folder = join(root, ...above);
  await fs.mkdir(folder, { recursive: true });
  await fs.writeFile(join(root, 'tmp', 'written'), bytes);
  await fs.rename(join(root, 'tmp', 'written'), join(folder, digest));
  seen.splice(0);
  return { store, digest, folders: [root, join(root, above[0]), folder] };
}

async function putPart(store: BlobStore, path: string, length: number): Promise<unknown> {
  const file = await fs.open(path);
  try {
    return await store.putPart({ file, start: 0, length });
  } finally {
    await file.close();
  }
}

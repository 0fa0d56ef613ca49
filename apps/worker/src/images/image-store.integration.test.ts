import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { openBlobStore, type BlobStore } from '@gantry/blobs';
import type { ImageLayer, ImageRecord } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ImageStore } from './image-store.ts';

const isRoot = process.getuid?.() === 0;
const digestOf = (bytes: Uint8Array) => `sha256-${createHash('sha256').update(bytes).digest('hex')}`;

describe.skipIf(!isRoot)('images on a machine (unpacked by root alone)', () => {
  let directory: TemporaryDirectory;
  let folder: string;
  let blobs: BlobStore;
  let reads: string[];
  let records: Map<string, ImageRecord>;

  beforeEach(async () => {
    directory = await temporaryDirectory('gantry-images-');
    folder = join(directory.path, 'layers');
    blobs = await openBlobStore({ type: 'disk', path: join(directory.path, 'blobs') });
    reads = [];
    records = new Map();
  });

  afterEach(() => directory.remove());

  const open = (limitBytes?: number) =>
    new ImageStore({
      folder,
      limitBytes,
      blobs: {
        get: async (digest) => {
          reads.push(digest);
          return await blobs.get(digest);
        },
      },
      registry: {
        get: async <T>(key: string) => {
          const value = records.get(key);
          return value && { value: value as T, revision: 1 };
        },
      },
    });

  /** A layer with one file. */
  async function layer(name: string, bytes: string | Buffer = 'x'): Promise<ImageLayer> {
    const content = join(directory.path, name);
    await mkdir(content);
    await writeFile(join(content, name), bytes);
    const tar = execFileSync('tar', ['-C', content, '-c', name], { maxBuffer: 10_000_000 });
    const { digest, sizeBytes: size } = await blobs.putBytes(gzipSync(tar));
    return { digest, sizeBytes: size, diffId: digestOf(tar) };
  }

  function image(name: string, layers: ImageLayer[]): string {
    const id = `im-${name}`;
    records.set(`image.${id}`, { id, layers, config: { env: { A: '1' }, workdir: '/srv' }, builtAtMs: 0 });
    return id;
  }

  it('are folders of their layers, lowest first, with what the image says of processes', async () => {
    const layers = [await layer('base'), await layer('top')];
    const { root } = await open().open(image('a', layers));
    expect(root).toMatchObject({ env: { A: '1' }, workdir: '/srv' });
    expect(root.layers.map((path) => path.slice(folder.length + 1))).toEqual(
      layers.map(({ diffId }) => diffId),
    );
    expect(await Promise.all(root.layers.map((path) => readdir(path)))).toEqual([['base'], ['top']]);
  });

  it('are fetched once, however many containers start at a time, and not again after a restart', async () => {
    const id = image('a', [await layer('base'), await layer('top')]);
    const store = open();
    await Promise.all(Array.from({ length: 20 }, () => store.open(id)));
    expect(reads).toHaveLength(2);
    await open().open(id);
    expect(reads).toHaveLength(2);
  });

  it('that share layers share their folders', async () => {
    const base = await layer('base');
    const store = open();
    const one = await store.open(image('a', [base, await layer('one')]));
    const other = await store.open(image('b', [base, await layer('other')]));
    expect(one.root.layers[0]).toBe(other.root.layers[0]);
    expect(reads).toHaveLength(3);
  });

  it('that the platform does not have are named', async () => {
    await expect(open().open('im-none')).rejects.toThrow('the image "im-none" does not exist');
  });

  it('whose layers are not what was built are refused, and leave nothing behind', async () => {
    const good = await layer('base');
    const id = image('a', [{ ...good, diffId: digestOf(Buffer.from('other')) }]);
    await expect(open().open(id)).rejects.toThrow('is damaged');
    expect(await readdir(folder)).toEqual([]);
  });

  it('that find no room on the disk fail alone, and are unpacked when there is some', async () => {
    await mkdir(folder);
    const mount = (options: string) =>
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'gantry-test', folder]);
    mount('size=1m,nr_inodes=1');
    try {
      const id = image('a', [await layer('big', randomBytes(8_000_000))]);
      await expect(open().open(id)).rejects.toMatchObject({ code: 'ENOSPC' });
      mount('remount,size=1m,nr_inodes=100');
      await expect(open().open(id)).rejects.toThrow('this worker has no room for a layer');
      mount('remount,size=16m,nr_inodes=100');
      expect((await open().open(id)).root.layers).toHaveLength(1);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  it('that no container uses make room, those of longest ago first', async () => {
    const [old, used, recent] = [
      await layer('old', 'x'.repeat(4000)),
      await layer('used', 'x'.repeat(4000)),
      await layer('recent', 'x'.repeat(4000)),
    ];
    const first = open();
    for (const [name, one] of Object.entries({ old, used, recent }))
      (await first.open(image(name, [one]))).release();
    const now = Date.now() / 1000;
    for (const [at, one] of [used, old, recent].entries()) {
      await utimes(join(folder, `${one.diffId}.size`), now - 100 + at, now - 100 + at);
    }
    const store = open(32_000);
    const held = await store.open('im-used');
    // By a container that waits for the next one to be wanted.
    const letGo = held.root.retain?.();
    held.release();
    await store.open(image('new', [await layer('new', 'x'.repeat(4000))]));
    const isThere = ({ diffId }: ImageLayer) => existsSync(join(folder, diffId));
    expect([used, old, recent].map(isThere)).toEqual([true, false, true]);
    letGo?.();
    expect((await store.open('im-old')).root.layers).toHaveLength(1);
    expect(isThere(old)).toBe(true);
  });

  it('that a killed worker left half done are removed', async () => {
    const { diffId } = await layer('base');
    await mkdir(join(folder, `.${diffId}.draft-abc`, 'layer'), { recursive: true });
    await mkdir(join(folder, diffId));
    await mkdir(join(folder, `${diffId}.removed`));
    const store = open();
    await store.clean();
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
    await store.clean();
  });
});

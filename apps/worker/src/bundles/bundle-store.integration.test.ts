import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { digestOf, openBlobStore, type BlobStore } from '@gantry/blobs';
import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { BundleStore, type BundleRefs } from './bundle-store.ts';

let folder: TemporaryDirectory;
let blobs: BlobStore;

beforeEach(async () => {
  folder = await temporaryDirectory();
  blobs = await openBlobStore({ type: 'disk', path: join(folder.path, 'blobs') });
});
afterEach(() => folder.remove());

const LONG = 'a-folder-with-a-rather-long-name/'.repeat(6);

/** What npm packages look like: deep paths, executables, links. Packed by the system's tar. */
async function packages(format: string): Promise<Buffer> {
  const source = join(folder.path, 'source');
  await mkdir(join(source, 'node_modules/left-pad', LONG), { recursive: true });
  await mkdir(join(source, 'node_modules/.bin'), { recursive: true });
  await writeFile(join(source, 'node_modules/left-pad/index.js'), 'module.exports = 1;');
  await writeFile(join(source, 'node_modules/left-pad/cli.js'), '#!/usr/bin/env node', { mode: 0o755 });
  await writeFile(join(source, 'node_modules/left-pad', LONG, 'ünï.txt'), 'x'.repeat(70_000));
  await symlink('../left-pad/cli.js', join(source, 'node_modules/.bin/left-pad'));
  return execFileSync('tar', [`--format=${format}`, '-czf', '-', 'node_modules'], {
    cwd: source,
    maxBuffer: 1 << 26,
  });
}

async function refsOf(archive?: Uint8Array): Promise<BundleRefs> {
  const put = async (bytes: Uint8Array) => blobs.putBytes(bytes);
  const [bundle, sourceMap] = [await put(Buffer.from('export {};')), await put(Buffer.from('{}'))];
  return { bundle, sourceMap, packages: archive && (await put(archive)) };
}

describe('the bundle store', () => {
  it.each(['gnu', 'pax'])('lays a bundle beside its packages (%s archive)', async (format) => {
    const path = await new BundleStore(folder.path, blobs).open(await refsOf(await packages(format)));
    const modules = join(path, '../node_modules');
    expect(readFileSync(path, 'utf8')).toBe('export {};');
    expect(readFileSync(`${path}.map`, 'utf8')).toBe('{}');
    expect(readFileSync(join(modules, 'left-pad', LONG, 'ünï.txt'), 'utf8')).toHaveLength(70_000);
    expect(
      execFileSync(process.execPath, ['-p', `require('left-pad')`], { cwd: join(path, '..') }).toString(),
    ).toBe('1\n');
    expect(readFileSync(join(modules, '.bin/left-pad'), 'utf8')).toContain('node');
  });

  it('fetches once for starts at the same time, and not at all when it is there', async () => {
    const refs = await refsOf();
    let reads = 0;
    const counting: BlobStore = {
      ...blobs,
      getBytes: (digest) => {
        reads++;
        return blobs.getBytes(digest);
      },
    };
    const store = new BundleStore(folder.path, counting);
    const paths = await Promise.all([store.open(refs), store.open(refs), store.open(refs)]);
    expect(new Set(paths).size).toBe(1);
    expect(await new BundleStore(folder.path, counting).open(refs)).toBe(paths[0]);
    expect(reads).toBe(2);
  });

  it('leaves nothing half done when a part is missing, and tries again', async () => {
    const store = new BundleStore(folder.path, blobs);
    const refs = await refsOf();
    const late = Buffer.from('late');
    const incomplete = { ...refs, sourceMap: { digest: digestOf(late), sizeBytes: 4 } };
    await expect(store.open(incomplete)).rejects.toThrow(digestOf(late));
    expect(readdirSync(join(folder.path, 'bundles'))).toEqual([]);
    await blobs.put(digestOf(late), late);
    expect(existsSync(await store.open(incomplete))).toBe(true);
  });

  it('refuses an archive that reaches outside its folder', async () => {
    const source = join(folder.path, 'evil');
    await mkdir(source);
    await writeFile(join(source, 'a'), 'x');
    const archive = execFileSync('tar', ['--transform=s,^a,../../a,', '-P', '-czf', '-', 'a'], {
      cwd: source,
    });
    const store = new BundleStore(folder.path, blobs);
    await expect(store.open(await refsOf(archive))).rejects.toThrow('leads outside its folder');
  });
});

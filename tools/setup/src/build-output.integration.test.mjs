import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { placeBuild } from './build-output.mjs';

let folder;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-build-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Builds an entry that imports one chunk. */
async function build(version, chunk) {
  const next = join(folder, 'next');
  await mkdir(join(next, 'chunks'), { recursive: true });
  await writeFile(join(next, 'cli.mjs'), version);
  await writeFile(join(next, 'chunks', chunk), version);
  await placeBuild(next, join(folder, 'dist'));
}

const chunks = async () => (await readdir(join(folder, 'dist', 'chunks'))).sort();
const entry = () => readFile(join(folder, 'dist', 'cli.mjs'), 'utf8');

test('a program of the build before finds its chunks, and those of older builds are gone', async () => {
  await build('1', 'a.mjs');
  await build('2', 'b.mjs');
  expect(await chunks()).toEqual(['a.mjs', 'b.mjs']);
  await build('3', 'c.mjs');
  expect(await chunks()).toEqual(['b.mjs', 'c.mjs']);
  expect(await entry()).toBe('3');
});

test('a chunk that two builds share belongs to the later one', async () => {
  await build('1', 'a.mjs');
  await build('2', 'a.mjs');
  await build('3', 'b.mjs');
  expect(await chunks()).toEqual(['a.mjs', 'b.mjs']);
});

test('hidden files, such as the stamp of the sources, are left alone and count for nothing', async () => {
  await build('1', 'a.mjs');
  await writeFile(join(folder, 'dist', '.stamp'), 'sources');
  await build('2', 'b.mjs');
  expect(await chunks()).toEqual(['a.mjs', 'b.mjs']);
  expect(await readFile(join(folder, 'dist', '.stamp'), 'utf8')).toBe('sources');
});

import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { WatchedPaths } from '../deploy/build-input.ts';
import { watchSources } from './watch-sources.ts';

let directory: TemporaryDirectory;
let controller: AbortController;
let source = '';

beforeEach(async () => {
  directory = await temporaryDirectory('gantry-cli-');
  controller = new AbortController();
  source = inFolder('app.ts');
  await writeFile(source, '1');
});

afterEach(async () => {
  controller.abort();
  await directory.remove();
});

function inFolder(name: string): string {
  return path.join(directory.path, name);
}

/** Yields the names of what changed; what was there before counts as built, unless a test says otherwise. */
async function* changedNames(
  watched: Partial<WatchedPaths>,
  builtAtMs = Number.POSITIVE_INFINITY,
): AsyncGenerator<string[]> {
  const all = { files: [], folders: [], ...watched };
  for await (const files of watchSources({ watched: () => all, builtAtMs, signal: controller.signal })) {
    yield files.map((file) => path.relative(directory.path, path.resolve(file)));
  }
}

/** The next change after an act, which begins when somebody watches. */
async function next(changes: AsyncGenerator<string[]>, act: () => Promise<unknown>): Promise<unknown> {
  const change = changes.next();
  await act();
  return (await change).value as unknown;
}

describe('watchSources', () => {
  test('reports saved sources, also those that an editor replaces, and ends when told to', async () => {
    const changes = changedNames({ files: [source] });

    const saved = async () => {
      await writeFile(inFolder('notes.txt'), 'not a source');
      await writeFile(source, '2');
    };
    expect(await next(changes, saved)).toEqual(['app.ts']);

    const replaced = async () => {
      await writeFile(`${source}.draft`, '3');
      await rename(`${source}.draft`, source);
    };
    expect(await next(changes, replaced)).toEqual(['app.ts']);
    controller.abort();
    await expect.poll(async () => (await changes.next()).done).toBe(true);
  });

  test('reports what changed while the change before was dealt with', async () => {
    const changes = changedNames({ files: [source] });
    await next(changes, () => writeFile(source, '2'));

    await writeFile(source, 'while it is built');

    expect((await changes.next()).value).toEqual(['app.ts']);
  });

  test('reports once what changed after the first build began, before anybody watched', async () => {
    const hourAgo = new Date(Date.now() - 3_600_000);
    const old = inFolder('old.ts');
    await writeFile(old, '1');
    await utimes(old, hourAgo, hourAgo);
    const changes = changedNames({ files: [source, old] }, Date.now() - 60_000);

    expect((await changes.next()).value).toEqual(['app.ts']);
    expect(await next(changes, () => writeFile(old, '2'))).toEqual(['old.ts']);
  });

  test('reports files that were looked for in vain, when they or their folders come', async () => {
    const missing = inFolder('lib/parts/missing.ts');
    const changes = changedNames({ files: [missing] });

    expect(await next(changes, () => mkdir(inFolder('lib')))).toEqual(['lib']);
    expect(await next(changes, () => mkdir(inFolder('lib/parts')))).toContain('lib/parts');
    expect(await next(changes, () => writeFile(missing, '1'))).toEqual(['lib/parts/missing.ts']);
  });

  test('reports new files of a folder, but neither those of editors nor changes of what is left out', async () => {
    const folder = inFolder('pages');
    await mkdir(folder);
    await writeFile(path.join(folder, 'left-out.log'), '1');
    const changes = changedNames({ folders: [folder] });

    const change = async () => {
      await writeFile(path.join(folder, 'left-out.log'), '2');
      await writeFile(path.join(folder, '.new.html.swp'), '1');
      await writeFile(path.join(folder, 'new.html'), '1');
    };
    expect(await next(changes, change)).toEqual(['pages/new.html']);
  });

  test('goes on when a folder of its files disappears and comes back', async () => {
    const file = inFolder('lib/part.ts');
    await mkdir(inFolder('lib'));
    await writeFile(file, '1');
    const changes = changedNames({ files: [file, source] });

    expect(await next(changes, () => rm(inFolder('lib'), { recursive: true }))).toEqual(['lib/part.ts']);
    const again = async () => {
      await mkdir(inFolder('lib'));
      await writeFile(file, '2');
    };
    expect(await next(changes, again)).toContain('lib');
  });
});

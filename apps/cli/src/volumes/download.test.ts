import { getEventListeners } from 'node:events';
import { chmod, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import type { FileEntry, Volume } from 'gantry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { download } from './download.ts';

const file = (path: string): FileEntry => ({ path, type: 'file', mtimeMs: 1_000, sizeBytes: 1, mode: 0o640 });
const link = (path: string, target: string): FileEntry => ({
  ...{ path, type: 'link', mtimeMs: 1_000, sizeBytes: 0 },
  target,
});
const directory = (path: string, mode = 0o755): FileEntry => ({
  ...{ path, type: 'directory', mtimeMs: 1_000, sizeBytes: 0 },
  mode,
});

/** A volume whose files have their paths as contents; `hold` is waited for in the middle of each. */
function volumeOf(entries: FileEntry[], hold: Promise<void> = Promise.resolve()): Volume {
  const volume = {
    listdir: () => Promise.resolve(entries),
    async *readFile(path: string) {
      yield Buffer.from(path.slice(0, 1));
      await hold;
      yield Buffer.from(path.slice(1));
    },
  };
  return volume as unknown as Volume;
}

describe('a download', () => {
  let folder: TemporaryDirectory;
  beforeEach(async () => (folder = await temporaryDirectory()));
  afterEach(() => folder.remove());

  const at = (...names: string[]) => join(folder.path, ...names);
  const get = (volume: Volume, remote: string, local: string, { force = false, signal = NEVER } = {}) =>
    download(volume, { remote, local }, { force, signal, onProgress: () => undefined });

  it('goes into a directory that a link leads to', async () => {
    await mkdir(at('real'));
    await symlink('real', at('linked'));
    await get(volumeOf([file('a/f')]), 'a/f', at('linked'));
    expect(await readFile(at('real/f'), 'utf8')).toBe('a/f');
  });

  it('gives directories their modes and times, also those that nothing can be written to', async () => {
    await get(volumeOf([directory('d', 0o555), file('d/f'), directory('d/e', 0o700)]), '/', at('to'));
    const modes = await Promise.all([at('to/d'), at('to/d/e'), at('to/d/f')].map((path) => stat(path)));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o555, 0o700, 0o640]);
    expect(modes.map(({ mtimeMs }) => mtimeMs)).toEqual([1_000, 1_000, 1_000]);
  });

  it('leaves a directory that was there as it was', async () => {
    await mkdir(at('d'));
    await chmod(at('d'), 0o711);
    await get(volumeOf([directory('d', 0o555), file('d/f')]), '/', folder.path);
    expect((await stat(at('d'))).mode & 0o777).toBe(0o711);
  });

  it.each([
    ['a file in the place of the directory', [directory('d'), file('d/f')], 'd', 'there'],
    ['a file in the place of one below it', [directory('d/there'), file('d/there/f')], 'd', '.'],
    ['a file in the place of one above it', [file('f')], 'f', 'there/f'],
    ['a directory in the place of a file', [file('taken')], 'taken', '.'],
    ['a directory in the place of a link', [link('taken', 'x')], 'taken', '.'],
  ])(
    'says what is in its way, and leaves it there, also with force: %s',
    async (_what, entries, remote, to) => {
      for (const name of ['there', 'd/there']) {
        await mkdir(at('d'), { recursive: true });
        await writeFile(at(name), 'mine');
      }
      await mkdir(at('taken'));
      const got = get(volumeOf(entries), remote, at(to), { force: true });
      await expect(got).rejects.toMatchObject({ code: 'CONFLICT', hint: expect.any(String) });
      expect(await readFile(at('there'), 'utf8')).toBe('mine');
      expect((await readdir(folder.path)).sort()).toEqual(['d', 'taken', 'there']);
    },
  );

  it('replaces a file and a link by force, and no file that a link leads to', async () => {
    await writeFile(at('f'), 'old');
    await symlink('f', at('l'));
    await get(volumeOf([link('f', 'other'), file('l')]), '/', folder.path, { force: true });
    expect([await readlink(at('f')), await readFile(at('l'), 'utf8')]).toEqual(['other', 'l']);
    expect((await lstat(at('l'))).isSymbolicLink()).toBe(false);
  });

  it('to a name that the system does not take says so', async () => {
    const got = get(volumeOf([file('f')]), 'f', at('x'.repeat(300)));
    await expect(got).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('ENAMETOOLONG') as string,
    });
  });

  it('leaves its signal as it was: many of them may share one', async () => {
    const { signal } = new AbortController();
    await get(volumeOf([file('f'), file('g')]), '/', folder.path, { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('that is interrupted leaves nothing half written', async () => {
    const stop = new AbortController();
    const got = get(volumeOf([file('f')], new Promise(() => undefined)), 'f', at('to/'), stop);
    await expect
      .poll(() => readdir(folder.path, { recursive: true }))
      .toContainEqual(expect.stringMatching(/\.part$/));
    stop.abort(new Error('interrupted'));
    await expect(got).rejects.toThrow();
    expect(await readdir(at('to'))).toEqual([]);
  });
});

const NEVER = new AbortController().signal;

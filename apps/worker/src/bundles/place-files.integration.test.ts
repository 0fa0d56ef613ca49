import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { placeFiles } from './place-files.ts';

describe('files of a container without a file system of its own', () => {
  let folder: TemporaryDirectory;
  let directory = '';

  beforeEach(async () => {
    folder = await temporaryDirectory('gantry-place-');
    directory = join(folder.path, 'container');
    await mkdir(directory);
  });
  afterEach(() => folder.remove());

  async function archive(name: string, files: Record<string, string>): Promise<string> {
    const source = join(folder.path, name);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(source, path)), { recursive: true });
      await writeFile(join(source, path), text);
    }
    return source;
  }

  const read = (path: string) => readFile(join(directory, path), 'utf8');

  it('lie in its working directory, and below', async () => {
    const source = await archive('a', { 'words.txt': 'words', 'lists/long.txt': 'long' });

    await placeFiles(directory, [
      { source, remotePath: '.' },
      { source, remotePath: 'data/german' },
    ]);

    expect(await read('words.txt')).toBe('words');
    expect(await read('lists/long.txt')).toBe('long');
    expect(await read('data/german/lists/long.txt')).toBe('long');
  });

  it('lie side by side, and the later ones on top, without a change to what is shared', async () => {
    const first = await archive('a', { 'data/a.txt': '1', 'data/both.txt': '1', 'data/deep/a.txt': '1' });
    const second = await archive('b', { 'data/b.txt': '2', 'data/both.txt': '2', 'data/deep/b.txt': '2' });

    await placeFiles(directory, [
      { source: first, remotePath: '.' },
      { source: second, remotePath: '.' },
      { source: second, remotePath: 'data/deep' },
    ]);

    const found = ['a.txt', 'b.txt', 'both.txt', 'deep/a.txt', 'deep/b.txt', 'deep/data/b.txt'];
    expect(await Promise.all(found.map((name) => read(`data/${name}`)))).toEqual([
      '1',
      '2',
      '2',
      '1',
      '2',
      '2',
    ]);
    expect(await readFile(join(first, 'data/both.txt'), 'utf8')).toBe('1');
    await expect(readFile(join(first, 'data/b.txt'))).rejects.toThrow('ENOENT');
  });

  it('may be links that lead to others of them', async () => {
    const source = await archive('a', { 'lists/long.txt': 'long' });
    await symlink('lists/long.txt', join(source, 'short'));

    await placeFiles(directory, [{ source, remotePath: 'x' }]);

    expect(await read('x/short')).toBe('long');
  });

  it('are refused where they would be those of the machine', async () => {
    const source = await archive('a', { 'words.txt': 'words' });

    await expect(placeFiles(directory, [{ source, remotePath: '/data' }])).rejects.toThrow(
      '"/data" is a path of',
    );
  });
});

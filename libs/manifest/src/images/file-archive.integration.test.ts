import { appendFile, mkdtemp, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { ChangedFile, writeFileArchive } from './file-archive.ts';
import { findLocalFiles } from './local-files.ts';

describe('a file that is packed', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gantry-archive-'));
    await writeFile(join(root, 'words.txt'), 'words');
  });
  afterEach(() => rm(root, { recursive: true }));

  test.each<[how: string, change: (file: string) => Promise<unknown>]>([
    ['grew', (file) => appendFile(file, ' and more')],
    ['shrank', (file) => truncate(file, 2)],
    ['was written anew', (file) => writeFile(file, 'other')],
    ['is gone', (file) => unlink(file)],
  ])('and %s since it was found is an error', async (_how, change) => {
    const site = { file: 'src/app.ts', line: 1 };
    const askIgnored = () => Promise.reject(new Error('nobody asks'));
    const onFolder = () => undefined;
    const paths = [{ kind: 'file' as const, path: 'words.txt', name: 'words.txt' }];
    const entry = join(root, 'app.ts');
    const files = await findLocalFiles(paths, { root, entry, site, askIgnored, onFolder });
    await change(join(root, 'words.txt'));

    await expect(writeFileArchive(files, join(root, 'out.tar.gz'))).rejects.toThrow(ChangedFile);
  });
});

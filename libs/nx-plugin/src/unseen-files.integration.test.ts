import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';
import { unseenFiles } from './unseen-files.ts';

test('files of images are inputs of the cached build, or they are named', async () => {
  await using workspace = await temporaryDirectory();
  const root = workspace.path;
  await mkdir(join(root, 'apps/shop'), { recursive: true });
  await writeFile(join(root, '.gitignore'), '*.bin\n');
  execFileSync('git', ['init', '-q'], { cwd: root });
  const files = [
    'apps/shop/words.txt',
    'apps/shop/model.bin',
    'apps/shoes/words.txt',
    'libs/texts/a.txt',
    'data/a/b.txt',
    '../outside.txt',
  ].map((path) => join(root, path));

  const unseen = unseenFiles(files, {
    root,
    folders: ['apps/shop', 'libs/texts'],
    inputs: ['default', '^default', '{workspaceRoot}/data/**/*', { env: 'CI' }],
  });

  expect(unseen).toEqual(['apps/shop/model.bin', 'apps/shoes/words.txt', '../outside.txt']);
});

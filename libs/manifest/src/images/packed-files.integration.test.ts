import { execFileSync } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { BuildValidation } from '../builder.ts';
import type { ArchiveFile } from './local-files.ts';
import { findLocalFiles } from './local-files.ts';
import { PackedFiles } from './packed-files.ts';

const site = { file: 'src/app.ts', line: 7 };
const CHANGES: [how: string, change: (file: string) => Promise<unknown>, then: string][] = [
  ['grew', (file) => appendFile(file, ' and more'), 'words and more'],
  ['shrank', (file) => truncate(file, 2), 'wo'],
  ['was written anew', (file) => writeFile(file, 'other'), 'other'],
];

describe('a file that is packed', () => {
  let root = '';
  let files: ArchiveFile[] = [];
  const archive = () => join(root, 'out.tar.gz');
  const words = () => join(root, 'words.txt');

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gantry-archive-'));
    await writeFile(words(), 'words');
    await writeFile(join(root, 'still.txt'), 'still');
    const paths = ['still.txt', 'words.txt'].map((path) => ({ kind: 'file' as const, path, name: path }));
    const askIgnored = () => Promise.reject(new Error('nobody asks'));
    const options = { root, entry: join(root, 'app.ts'), site, askIgnored, onFolder: () => undefined };
    files = await findLocalFiles(paths, options);
  });
  afterEach(() => rm(root, { recursive: true }));

  function packedWith(validation: BuildValidation): PackedFiles {
    return new PackedFiles({ project: { root, entry: join(root, 'app.ts') }, validation });
  }

  function contents(): string[] {
    return ['still.txt', 'words.txt'].map((name) =>
      execFileSync('tar', ['-xOzf', archive(), name], { encoding: 'utf8' }),
    );
  }

  test.each(CHANGES)(
    'and %s since it was found is an error, which says how to allow it',
    async (_how, change) => {
      await change(words());

      const error: unknown = await packedWith('error')
        .write(files, archive(), site)
        .catch((thrown: unknown) => thrown);

      expect(error).toMatchObject({
        message: 'src/app.ts:7: "words.txt" changed while the app was built',
        hint: expect.stringContaining('GANTRY_BUILD_VALIDATION to "warning" or "ignore"') as string,
      });
    },
  );

  test.each(CHANGES)(
    'and %s since then may be a warning: a copy of it is packed',
    async (_how, change, then) => {
      const packed = packedWith('warning');
      await change(words());

      await packed.write(files, archive(), site);
      await packed.check();

      expect(contents()).toEqual(['still', then]);
      expect(packed.warnings).toEqual([
        expect.stringContaining('"words.txt" changed while the app was built'),
      ]);
      expect((await readdir(root)).sort()).toEqual(['out.tar.gz', 'still.txt', 'words.txt']);
    },
  );

  test('and changed may be nothing to tell, either', async () => {
    const packed = packedWith('ignore');
    await writeFile(words(), 'other words');

    await packed.write(files, archive(), site);
    await packed.check();

    expect(contents()).toEqual(['still', 'other words']);
    expect(packed.warnings).toEqual([]);
  });

  test('and changes after that, but before the build is done, is the same', async () => {
    const [strict, warning] = [packedWith('error'), packedWith('warning')];
    for (const packed of [strict, warning]) await packed.write(files, archive(), site);
    await writeFile(words(), 'other words');

    await expect(strict.check()).rejects.toThrow('"words.txt" changed while the app was built');
    await warning.check();
    expect(warning.warnings).toHaveLength(1);
    expect(contents()).toEqual(['still', 'words']);
  });

  test.each<BuildValidation>(['error', 'warning', 'ignore'])(
    'and is gone is an error with "%s"',
    async (validation) => {
      await unlink(words());

      await expect(packedWith(validation).write(files, archive(), site)).rejects.toThrow(
        validation === 'error' ? 'changed while' : '"words.txt" was removed while the app was built',
      );
    },
  );
});

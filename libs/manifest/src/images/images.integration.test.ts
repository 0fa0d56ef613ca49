import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { buildApp, createBuilder, loadManifest } from '../index.ts';
import { aProject } from '../project.fixture.ts';
import { appWith, contentOf, imageOf } from './image.fixture.ts';

describe('images', () => {
  test('of functions are in the manifest, each step with its place in the sources', async () => {
    const image = `Image.debianSlim({ nodeVersion: '22' })
  .aptInstall('curl')
  .env({ LANG: 'C.UTF-8' })`;
    await using project = await aProject({ 'src/app.ts': appWith(image) });

    const { manifest } = await project.build();

    expect(manifest.images).toEqual([
      {
        steps: [
          { type: 'debian', nodeVersion: '22' },
          { type: 'apt', packages: ['curl'] },
          { type: 'env', variables: { LANG: 'C.UTF-8' } },
        ],
        sites: [3, 4, 5].map((line) => ({ file: 'src/app.ts', line })),
      },
    ]);
    expect(manifest.functions[0]?.options).toEqual({ image: 0 });
    expect(await loadManifest(project.outDir)).toEqual(manifest);
  });

  test('of equal steps are one, whoever wrote them, and those of no function are none', async () => {
    const source = `import { App, Image } from 'gantry';
export const app = new App('shop', { image: Image.debianSlim().env({ A: '1' }) });
Image.debianSlim().aptInstall('unused');
export const a = app.function(() => 1);
export const b = app.function({ image: Image.debianSlim().env({ B: '1' }) }, () => 1);
@app.cls({ image: Image.debianSlim().env({ A: '1' }) })
export class C {}
`;
    await using project = await aProject({ 'src/app.ts': source });

    const { manifest } = await project.build();

    expect(manifest.images?.map(({ steps }) => steps[1])).toEqual([
      { type: 'env', variables: { A: '1' } },
      { type: 'env', variables: { B: '1' } },
    ]);
    expect(manifest.functions.map(({ options }) => options.image)).toEqual([0, 1, 0]);
  });

  test('may begin with one that was built before, by its id', async () => {
    const id = `im-${'a'.repeat(22)}`;
    await using project = await aProject({ 'src/app.ts': appWith(`Image.fromId('${id}').env({ A: '1' })`) });

    const { steps } = await imageOf(project);

    expect(steps[0]).toEqual({ type: 'image', id });
    await loadManifest(project.outDir);
  });

  test('that are wrong are told with file and line', async () => {
    const image = `Image.debianSlim()\n  .aptInstall('-y')`;
    await using project = await aProject({ 'src/app.ts': appWith(image) });

    const { message, hint } = await project.mistake();

    expect(message).toBe('src/app.ts:4: Image.aptInstall: "-y" is an option, not a package');
    expect(hint).toContain('extraOptions');
  });
});

describe('a project of Poetry', () => {
  const files = { 'src/app.ts': appWith(`Image.debianSlim().poetryInstallFromFile('py/pyproject.toml')`) };

  test('goes along with its lock file', async () => {
    await using project = await aProject({ ...files, 'py/pyproject.toml': 'a', 'py/poetry.lock': 'b' });

    const [, step] = (await imageOf(project)).steps;

    expect(step).toMatchObject({ type: 'poetry' });
    const { path } = (step as { files: { path: string } }).files;
    expect(await contentOf(project, path)).toEqual(['poetry.lock', 'pyproject.toml']);
    await loadManifest(project.outDir);
  });

  test('without its lock file is told with file and line, and what to do', async () => {
    await using project = await aProject({ ...files, 'py/pyproject.toml': 'a' });

    const { message, hint } = await project.mistake();

    expect(message).toBe('src/app.ts:3: the file "py/poetry.lock" does not exist');
    expect(hint).toContain('"poetry lock", name another one as `lockfile`, or set `ignoreLockfile`');
  });
});

describe('local files of an image', () => {
  const FILES = {
    'data/words.txt': 'words',
    'data/run.sh': '#!/bin/sh',
    'data/old/words.txt': 'old words',
    'data/notes.md': 'notes',
  };

  test('are packed beside the manifest, with their modes and links', async () => {
    const image = `Image.debianSlim().addLocalDir('data', '/data').addLocalFile('data/words.txt', '/w/german.txt')`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });
    await chmod(join(project.root, 'data/run.sh'), 0o755);
    await symlink('old/words.txt', join(project.root, 'data/link'));

    const { files = [], steps } = await imageOf(project);

    expect(steps).toHaveLength(1);
    expect(files.map(({ remotePath }) => remotePath)).toEqual(['/data', '/w']);
    expect(await contentOf(project, files[0]?.archive.path ?? '')).toEqual([
      'link -> old/words.txt',
      'notes.md',
      'old/words.txt',
      'run.sh*',
      'words.txt',
    ]);
    expect(await contentOf(project, files[1]?.archive.path ?? '')).toEqual(['german.txt']);
    await loadManifest(project.outDir);
  });

  test('are told of by their paths in the project, wherever the project lies', async () => {
    const image = `Image.debianSlim()
  .addLocalFile('data/words.txt', '/w/', { copy: true })
  .addLocalDir(process.cwd() + '/data', 'data')
  .addLocalFile('/etc/hostname', '/etc/builder')`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });

    const { files, steps } = await imageOf(project);

    expect(steps[1]).toMatchObject({ origins: [{ path: 'data/words.txt', name: 'words.txt' }] });
    expect(files?.map(({ origins }) => origins)).toEqual([
      [{ path: 'data', name: '' }],
      [{ path: '/etc/hostname', name: 'builder' }],
    ]);
    await loadManifest(project.outDir);
  });

  test('are a step of it when they are copied', async () => {
    const image = `Image.debianSlim().addLocalFile('data/words.txt', '/words.txt', { copy: true }).runCommands('wc /words.txt')`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });

    const { steps, files } = await imageOf(project);

    expect(files).toBeUndefined();
    expect(steps.slice(1)).toMatchObject([
      {
        type: 'files',
        remotePath: '/',
        archive: { path: expect.stringMatching(/^files-[0-9a-f]{16}\.tar\.gz$/) },
      },
      { type: 'run', commands: ['wc /words.txt'] },
    ]);
  });

  test.each<[what: string, ignore: string, left: string[]]>([
    ['patterns', `['**/*.md', 'old']`, ['run.sh', 'words.txt']],
    ['patterns with an exception', `['**/words.txt', '!old/*']`, ['notes.md', 'old/words.txt', 'run.sh']],
    ['a matcher', `new FilePatternMatcher('**/*.txt').negate()`, ['old/words.txt', 'words.txt']],
    ['a matcher of a file', `FilePatternMatcher.fromFile('data/.rules')`, ['.rules', 'run.sh']],
    ['a function', `(path) => path.endsWith('words.txt')`, ['notes.md', 'run.sh']],
  ])('are left out by %s, relative to their folder', async (_what, ignore, left) => {
    const image = `Image.debianSlim().addLocalDir('data', '/data', { ignore: ${ignore} })`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });
    if (ignore.includes('.rules')) await writeFile(join(project.root, 'data/.rules'), '*.md\n**/words.txt\n');

    const { files } = await imageOf(project);

    expect(await contentOf(project, files?.[0]?.archive.path ?? '')).toEqual(left);
  });

  test('in an ignored folder are not even looked at', async () => {
    const image = `Image.debianSlim().addLocalDir('data', '/data', { ignore: ['old'] })`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });
    await symlink('/etc/hostname', join(project.root, 'data/old/outside'));

    await expect(imageOf(project)).resolves.toBeDefined();
  });

  test('give the same bytes at each build, whenever they were written, and other bytes when they change', async () => {
    const image = `Image.debianSlim().addLocalDir('data', '/data')`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });
    const first = await imageOf(project);
    const before = await readFile(join(project.outDir, 'manifest.json'));
    await project.write(FILES);

    await imageOf(project);
    expect(await readFile(join(project.outDir, 'manifest.json'))).toEqual(before);

    await project.write({ 'data/words.txt': 'other words' });
    const later = await imageOf(project);
    expect(later.files?.[0]?.archive.digest).not.toBe(first.files?.[0]?.archive.digest);
    expect(existsSync(join(project.outDir, first.files?.[0]?.archive.path ?? ''))).toBe(false);
    expect(existsSync(join(project.outDir, later.files?.[0]?.archive.path ?? ''))).toBe(true);
  });

  test.each(['error', 'warning', 'ignore'] as const)(
    'that change before the build is done are as the setting says: %s',
    async (buildValidation) => {
      // The rule of the second folder is asked when the first one is packed.
      const image = `Image.debianSlim().addLocalDir('data', '/data').addLocalDir('late', '/late', { ignore: (path) => {
  process.getBuiltinModule('fs').appendFileSync('data/notes.md', path);
  return false;
} })`;
      await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES, 'late/a.txt': 'a' });
      const { outDir, root } = project;
      const building = buildApp({ entry: 'src/app.ts', outDir, projectRoot: root, buildValidation });
      if (buildValidation === 'error') {
        await expect(building).rejects.toThrow(
          'src/app.ts:3: "data/notes.md" changed while the app was built',
        );
        expect(existsSync(join(outDir, 'manifest.json'))).toBe(false);
        return;
      }
      const { warnings } = await building;
      const said = expect.stringContaining('"data/notes.md" changed') as string;
      expect(warnings).toEqual(buildValidation === 'warning' ? [said] : []);
    },
  );

  test('of equal content lie in one archive', async () => {
    const image = `Image.debianSlim().addLocalDir('data', '/a').addLocalDir('data', '/b')`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });

    const { files } = await imageOf(project);

    expect(files?.[0]?.archive).toEqual(files?.[1]?.archive);
    expect((await readdir(project.outDir)).filter((name) => name.includes('files-'))).toHaveLength(1);
  });

  test('are watched, so that a change of one builds again', async () => {
    const image = `Image.debianSlim().addLocalDir('data', '/data', { ignore: ['*.md'] })`;
    await using project = await aProject({ 'src/app.ts': appWith(image), ...FILES });
    const builder = createBuilder({ entry: 'src/app.ts', outDir: project.outDir, projectRoot: project.root });

    await builder.build();

    expect(builder.watchFiles).toContain(join(project.root, 'data/old/words.txt'));
    expect(builder.watchFiles).not.toContain(join(project.root, 'data/notes.md'));
    expect(builder.watchFolders).toEqual([join(project.root, 'data'), join(project.root, 'data/old')]);
  });

  test.each<[image: string, message: string, hint: string]>([
    [
      `.addLocalFile('nowhere.txt', '/a')`,
      'the file "nowhere.txt" does not exist',
      'relative to the project',
    ],
    [`.addLocalDir('nowhere', '/a')`, 'the folder "nowhere" does not exist', 'relative to the project'],
    [`.addLocalFile('data', '/a')`, '"data" is no file', 'addLocalDir'],
    [`.addLocalDir('data/words.txt', '/a')`, '"data/words.txt" is no folder', 'addLocalFile'],
    [`.addLocalDir('data/old', '/a')`, 'the link "up" in "data/old" leads to "../words.txt"', 'leave it out'],
    [
      `.addLocalDir('data', '/a', { ignore: () => { throw new Error('oh'); } })`,
      'what says which files to leave out failed: Error: oh',
      'ignore',
    ],
  ])('that cannot be packed are told with file and line: %s', async (step, message, hint) => {
    await using project = await aProject({
      'src/app.ts': appWith(`Image.debianSlim()\n  ${step}`),
      ...FILES,
    });
    await symlink('../words.txt', join(project.root, 'data/old/up'));

    const error = await project.mistake();

    expect(error.message).toContain(`src/app.ts:4: `);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
    expect(existsSync(project.outDir) ? await readdir(project.outDir) : []).toEqual([]);
  });
});

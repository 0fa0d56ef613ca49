import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';
import { appGenerator } from './app-generator.ts';
import { readProject } from './read-project.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const NX = join(REPOSITORY, 'node_modules/nx/dist/bin/nx.js');
const GANTRY = join(REPOSITORY, 'apps/cli/bin/gantry.mjs');

const run = promisify(execFile);

test('Nx itself sees the targets of an example', async () => {
  const { stdout } = await run(process.execPath, [NX, 'show', 'project', 'hello-world', '--json'], {
    cwd: REPOSITORY,
    env: { ...process.env, NX_DAEMON: 'false' },
  });

  const project = JSON.parse(stdout) as { targets: Record<string, { executor: string }> };
  for (const target of ['build', 'deploy', 'serve', 'run']) {
    expect(project.targets[target]).toMatchObject({ executor: '@gantry/nx:gantry' });
  }
});

test('a generated app builds at once', async () => {
  await using workspace = await temporaryDirectory();
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  await appGenerator(tree, { name: 'fresh' });
  for (const { path, content } of tree.listChanges()) {
    await mkdir(dirname(join(workspace.path, path)), { recursive: true });
    await writeFile(join(workspace.path, path), content ?? '');
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(workspace.path, 'node_modules'));

  await run(process.execPath, [GANTRY, 'build', 'src/app.ts'], { cwd: join(workspace.path, 'apps/fresh') });

  const manifest = await readFile(join(workspace.path, 'apps/fresh/dist/gantry/manifest.json'), 'utf8');
  expect(JSON.parse(manifest)).toMatchObject({ appName: 'fresh' });
});

test.each([
  [
    'a gantry key in package.json',
    'package.json',
    '{ "name": "a", "gantry": { "entry": "app.ts" } }',
    'app.ts',
  ],
  ['gantry.config.json', 'gantry.config.json', '{ "entry": "main.ts" }', 'main.ts'],
  ['gantry.config.ts', 'gantry.config.ts', 'export {};', 'src/app.ts'],
])('a project with %s is a Gantry project', async (_, file, content, entry) => {
  await using root = await temporaryDirectory();
  await mkdir(join(root.path, 'a'));
  await writeFile(join(root.path, 'a', file), content);

  expect(readProject(`a/${file}`, root.path)).toEqual({ name: 'a', entry });
});

test('a package.json without the key is an ordinary project', async () => {
  await using root = await temporaryDirectory();
  await writeFile(join(root.path, 'package.json'), '{ "name": "plain" }');

  expect(readProject('package.json', root.path)).toBeUndefined();
});

import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { aProject, type FixtureProject } from '../project.fixture.ts';
import { appWith, contentOf, imageOf } from './image.fixture.ts';

function aPackage(name: string, version: string, folder = `node_modules/${name}`): Record<string, string> {
  return {
    [`${folder}/package.json`]: JSON.stringify({ name, version, main: 'index.js' }),
    [`${folder}/index.js`]: `module.exports = ${JSON.stringify(`${name} ${version}`)};`,
  };
}

async function contentsOf(project: FixtureProject): Promise<string[]> {
  const { packages } = await imageOf(project);
  return (packages?.contents ?? []).map(({ name, version }) => `${name}@${version}`);
}

/** Unpacks a build as a worker does, and calls its function as a container does. */
async function callUnpacked(project: FixtureProject): Promise<string> {
  const { packages } = await imageOf(project);
  const folder = join(project.root, 'unpacked');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await cp(join(project.outDir, 'bundle.mjs'), join(folder, 'bundle.mjs'));
  execFileSync('tar', ['xzf', join(project.outDir, packages?.path ?? ''), '-C', folder]);
  const program = `globalThis[Symbol.for('gantry.host')] = {};
const { f } = await import('./bundle.mjs');
console.log(await globalThis[Symbol.for('gantry.apps')][0].functions[0].fn());`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: folder })
    .toString()
    .trim();
}

const IMPORTED = `(await image.imports(() => import('left'))).default`;

describe('npm packages of an image for plain processes', () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  test('are those of the project where they fit', async () => {
    await using project = await aProject({
      'src/app.ts': appWith(`Image.debianSlim().npmInstall('left@^1.2', '@acme/right')`, IMPORTED),
      ...aPackage('left', '1.3.0'),
      ...aPackage('@acme/right', '2.0.0'),
    });

    expect(await contentsOf(project)).toEqual(['@acme/right@2.0.0', 'left@1.3.0']);
    expect(await callUnpacked(project)).toBe('left 1.3.0');
  });

  test('are installed by npm where the project has none, once', async () => {
    await using project = await aProject(aPackage('left', '9.0.0', 'vendor/left'));
    const spec = join(project.root, 'vendor/left');
    await project.write({ 'src/app.ts': appWith(`Image.debianSlim().npmInstall('${spec}')`, IMPORTED) });

    expect(await contentsOf(project)).toEqual(['left@9.0.0']);
    expect(await callUnpacked(project)).toBe('left 9.0.0');
    const cache = (await readdir(join(project.root, 'node_modules/.cache/gantry'))).filter((name) =>
      name.startsWith('npm-'),
    );
    expect(cache).toHaveLength(1);
  });

  test('are those of a lock file, without what only development needs', async () => {
    await using project = await aProject(aPackage('left', '7.0.0', 'vendor/package'));
    const archive = execFileSync('tar', ['-cz', '-C', join(project.root, 'vendor'), 'package']);
    server = createServer((_request, response) => response.end(archive)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server?.once('listening', resolve));
    const resolved = `http://127.0.0.1:${(server.address() as AddressInfo).port}/left.tgz`;
    const json = { name: 'deps', dependencies: { left: resolved }, devDependencies: { never: '1.0.0' } };
    await project.write({
      'deps/package.json': JSON.stringify(json),
      'deps/package-lock.json': JSON.stringify({
        name: 'deps',
        lockfileVersion: 3,
        packages: {
          '': json,
          'node_modules/left': { version: '7.0.0', resolved },
          'node_modules/never': { version: '1.0.0', dev: true, resolved: `${resolved}?never` },
        },
      }),
      'src/app.ts': appWith(`Image.debianSlim().npmCi({ packageJson: 'deps/package.json' })`, IMPORTED),
    });

    expect(await contentsOf(project)).toEqual(['left@7.0.0']);
    expect(await callUnpacked(project)).toBe('left 7.0.0');
    const [, step] = (await imageOf(project)).steps;
    expect(await contentOf(project, step?.type === 'npmCi' ? step.files.path : '')).toEqual([
      'package-lock.json',
      'package.json',
    ]);
  });

  test('that npm cannot install are told with file and line', async () => {
    const image = `Image.debianSlim()\n  .npmInstall('/no/such/folder')`;
    await using project = await aProject({ 'src/app.ts': appWith(image) });

    const { message } = await project.mistake();

    expect(message).toContain('src/app.ts:4: npm could not install the packages of the image:');
    expect(message).toContain('/no/such/folder');
  });

  test('are left to the image where processes cannot have it anyway', async () => {
    const image = `Image.debianSlim().aptInstall('curl').npmInstall('/no/such/folder')`;
    await using project = await aProject({ 'src/app.ts': appWith(image) });

    expect(await contentsOf(project)).toEqual([]);
  });

  test('are not uploaded beside the bundle if only containers of the image import them', async () => {
    await using project = await aProject({
      'src/app.ts': `import { App, Image } from 'gantry';
export const app = new App('shop');
const image = Image.debianSlim().aptInstall('curl').npmInstall('left');
const left = await image.imports(() => import('left'));
export const f = app.function({ image }, () => left.default);
export const version = String(left.default);
app.function({ name: version.replace(' ', '-') }, () => 1);
`,
      ...aPackage('left', '1.3.0'),
    });

    const { manifest } = await project.build();

    expect(manifest.packages).toBeUndefined();
    expect(await readFile(join(project.outDir, 'bundle.mjs'), 'utf8')).not.toContain('left 1.3.0');
    expect(manifest.functions.map(({ name }) => name)).toContain('left-1.3.0');
  });

  test('need not be installed where the app is built, if only containers import them', async () => {
    await using project = await aProject({
      'src/app.ts': `import { App, Image } from 'gantry';
export const app = new App('shop');
const image = Image.debianSlim().aptInstall('curl').npmInstall('nowhere');
export const nowhere = await image.imports(() => import('nowhere'));
export const f = app.function({ image }, () => nowhere.default);
`,
    });

    await expect(imageOf(project)).resolves.toBeDefined();
  });
});

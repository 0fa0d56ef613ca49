import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { createBuilder, loadManifest } from './index.ts';
import { aProject, type FixtureProject } from './project.fixture.ts';

const run = promisify(execFile);
const HEAD = "import { App } from 'gantry';\nexport const app = new App('shop');\n";

function aPackage(name: string, json: object, files: Record<string, string>): Record<string, string> {
  const folder = `node_modules/${name}`;
  const all = { 'package.json': JSON.stringify({ name, version: '1.0.0', ...json }), ...files };
  return Object.fromEntries(Object.entries(all).map(([path, text]) => [`${folder}/${path}`, text]));
}

async function contentsOf(project: FixtureProject): Promise<string[]> {
  const { manifest } = await project.build();
  return (manifest.packages?.contents ?? []).map(({ name, version }) => `${name}@${version}`);
}

/** Unpacks a build as a worker does, and runs a program beside the bundle. */
async function runUnpacked(project: FixtureProject, program: string): Promise<string> {
  const folder = join(project.root, 'unpacked');
  await mkdir(folder);
  await cp(join(project.outDir, 'bundle.mjs'), join(folder, 'bundle.mjs'));
  await run('tar', ['xzf', join(project.outDir, 'packages.tar.gz'), '-C', folder]);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
  return stdout.trim();
}

describe('packages that stay outside the bundle', () => {
  test.each<[string, object, Record<string, string>]>([
    [
      'reads files beside itself',
      {},
      {
        'index.js': 'exports.value = require("fs").readFileSync(__dirname + "/data.txt", "utf8");',
        'data.txt': 'v',
      },
    ],
    [
      'finds its files by import.meta.url',
      { type: 'module' },
      { 'index.js': 'export const value = new URL("./data.txt", import.meta.url).pathname.slice(-8);' },
    ],
    [
      'imports names that it computes',
      {},
      {
        'index.js': 'const name = "./part"; exports.value = require(name);',
        'part.js': 'module.exports = 1;',
      },
    ],
    [
      'has an install script',
      { scripts: { install: 'node-gyp rebuild' } },
      { 'index.js': 'exports.value = 1;' },
    ],
    ['is made for some systems', { cpu: [process.arch] }, { 'index.js': 'exports.value = 1;' }],
    ['has a binding.gyp', {}, { 'index.js': 'exports.value = 1;', 'binding.gyp': '{}' }],
  ])('a package that %s', async (_reason, json, files) => {
    await using project = await aProject({
      ...aPackage('odd', json, files),
      'src/app.ts': `${HEAD}import { value } from 'odd';\nexport { value };`,
    });

    expect(await contentsOf(project)).toEqual(['odd@1.0.0']);
    expect(await readFile(join(project.outDir, 'bundle.mjs'), 'utf8')).toContain('from "odd"');
  });

  test('are the same in another build as in a fresh one, also when one is no longer needed', async () => {
    const files = { 'index.js': 'exports.value = __dirname.length + require("left");' };
    await using project = await aProject({
      ...aPackage('odd', { dependencies: { left: '*' } }, files),
      ...aPackage('left', {}, { 'index.js': 'module.exports = 1;' }),
      'src/app.ts': `${HEAD}import { value } from 'odd';\nimport left from 'left';\nexport { left, value };`,
    });
    const builder = createBuilder({ entry: 'src/app.ts', outDir: project.outDir, projectRoot: project.root });
    const names = async () => (await builder.build()).manifest.packages?.contents.map(({ name }) => name);

    expect(await names()).toEqual(['left', 'odd']);
    await project.write({ 'src/app.ts': `${HEAD}import { value } from 'odd';\nexport const more = value;` });
    expect(await names()).toEqual(['left', 'odd']);
    await project.write({ 'src/app.ts': `${HEAD}import left from 'left';\nexport { left };` });
    expect(await names()).toBeUndefined();
    expect((await builder.build()).manifest).toEqual((await project.build()).manifest);
  });

  test('bring their dependencies, each in the version that it finds here', async () => {
    await using project = await aProject({
      ...aPackage(
        'odd',
        { dependencies: { left: '^2.0.0', right: '*' }, optionalDependencies: { absent: '*' } },
        { 'index.js': 'exports.value = [__dirname.length > 0, require("left"), require("right")];' },
      ),
      ...aPackage('left', { version: '1.0.0' }, { 'index.js': 'module.exports = "left 1";' }),
      ...aPackage(
        'odd/node_modules/left',
        { name: 'left', version: '2.0.0' },
        { 'index.js': 'module.exports = "left 2";' },
      ),
      ...aPackage(
        'right',
        { dependencies: { left: '1.0.0' } },
        { 'index.js': 'module.exports = "right with " + require("left");' },
      ),
      'src/app.ts': `${HEAD}import { value } from 'odd';\nimport left from 'left';\nexport const seen = [...value, left];`,
    });

    expect(await contentsOf(project)).toEqual(['left@1.0.0', 'left@2.0.0', 'odd@1.0.0', 'right@1.0.0']);
    const printed = await runUnpacked(
      project,
      "const { seen } = await import('./bundle.mjs'); console.log(seen.join(', '));",
    );
    expect(printed).toBe('true, left 2, right with left 1, left 1');
  });

  test('of one name in two versions, which the app shares with packages outside, are both there', async () => {
    await using project = await aProject({
      ...aPackage(
        'odd',
        { dependencies: { left: '*', right: '*' } },
        { 'index.js': 'exports.value = [__dirname.length > 0, require("left"), require("right")];' },
      ),
      ...aPackage('left', { version: '1.0.0' }, { 'index.js': 'module.exports = "left 1";' }),
      ...aPackage(
        'right',
        { dependencies: { left: '2.0.0' } },
        { 'index.js': 'module.exports = "right with " + require("left");' },
      ),
      ...aPackage(
        'right/node_modules/left',
        { name: 'left', version: '2.0.0' },
        { 'index.js': 'module.exports = "left 2";' },
      ),
      'src/app.ts': `${HEAD}import right from 'right';\nimport { value } from 'odd';\nimport left from 'left';
export const seen = [...value, right, left];`,
    });

    expect(await contentsOf(project)).toEqual(['left@1.0.0', 'left@2.0.0', 'odd@1.0.0', 'right@1.0.0']);
    const printed = await runUnpacked(
      project,
      "const { seen } = await import('./bundle.mjs'); console.log(seen.join(', '));",
    );
    expect(printed).toBe('true, left 1, right with left 2, right with left 2, left 1');
  });

  test('are found where user code only names them', async () => {
    await using project = await aProject({
      ...aPackage('words', {}, { 'eng/list.txt': 'hello', 'eng/notes.md': 'not needed' }),
      'src/app.ts': `${HEAD}import { createRequire } from 'node:module';\nimport { readFileSync } from 'node:fs';
const require = createRequire(import.meta.url);
export const list = readFileSync(require.resolve('words/eng/list.txt'), 'utf8');`,
    });

    expect(await contentsOf(project)).toEqual(['words@1.0.0']);
    expect(await runUnpacked(project, "console.log((await import('./bundle.mjs')).list);")).toBe('hello');
    const { stdout } = await run('tar', ['tzf', join(project.outDir, 'packages.tar.gz')]);
    expect(stdout.trim().split('\n')).toEqual([
      'node_modules/words/eng/list.txt',
      'node_modules/words/package.json',
    ]);
  });

  test('are refused in another version than the lock file names', async () => {
    await using project = await aProject({
      ...aPackage('odd', { gypfile: true }, { 'index.js': 'exports.value = 1;' }),
      'package-lock.json':
        '{ "lockfileVersion": 3, "packages": { "node_modules/odd": { "version": "1.0.1" } } }',
      'src/app.ts': `${HEAD}import { value } from 'odd';\nexport { value };`,
    });

    const { message, hint } = await project.mistake();

    expect(message).toBe('package-lock.json: "odd" is installed as 1.0.0, but locked as 1.0.1');
    expect(hint).toBe('Run: npm ci');
  });

  test('stay as the last good build left them when the next one fails', async () => {
    await using project = await aProject({
      ...aPackage('odd', { gypfile: true }, { 'index.js': 'exports.value = 1;' }),
      'src/app.ts': `${HEAD}import { value } from 'odd';\nexport { value };`,
    });
    const { manifest } = await project.build();
    await project.write({
      ...aPackage('even', { gypfile: true }, { 'index.js': 'exports.value = 2;' }),
      'src/app.ts': `${HEAD}import { value } from 'even';\nthrow new Error(String(value));`,
    });

    await project.mistake();

    expect(await loadManifest(project.outDir)).toEqual(manifest);
    expect((await readdir(project.outDir)).sort()).toEqual([
      'bundle.mjs',
      'bundle.mjs.map',
      'manifest.json',
      'packages.tar.gz',
    ]);
  });

  test('give the same archive in another folder', async () => {
    const files = {
      ...aPackage('odd', {}, { 'index.js': 'exports.value = __dirname.length;', 'bin/run.js': '' }),
      'src/app.ts': `${HEAD}import { value } from 'odd';\nexport { value };`,
    };
    await using one = await aProject(files);
    await using two = await aProject(files);

    const [left, right] = await Promise.all([one.build(), two.build()]);

    expect(left.manifest.packages).toEqual(right.manifest.packages);
  });

  test('include text recognition with its data', async () => {
    await using project = await aProject(
      {
        'src/app.ts': `${HEAD}import { createRequire } from 'node:module';\nimport { createWorker } from 'tesseract.js';
const data = createRequire(import.meta.url).resolve('@tesseract.js-data/eng/package.json');
export const read = app.function(async (page: Uint8Array) => [createWorker, data, page]);`,
      },
      ['tesseract.js', '@tesseract.js-data/eng'],
    );

    const contents = await contentsOf(project);

    expect(contents).toContain('tesseract.js@7.0.0');
    expect(contents).toContain('tesseract.js-core@7.0.0');
    expect(contents).toContain('@tesseract.js-data/eng@1.0.0');
  });
});

describe('packages that are bundled', () => {
  test('plain JavaScript needs no archive', async () => {
    await using project = await aProject(
      {
        'src/app.ts': `${HEAD}import { Hono } from 'hono';\nimport { IsString } from 'class-validator';
export class Body { @IsString() name!: string }
export const web = new Hono();`,
      },
      ['hono'],
    );

    const { manifest, files } = await project.build();

    expect(manifest.packages).toBeUndefined();
    expect(files.packages).toBeUndefined();
  });
});

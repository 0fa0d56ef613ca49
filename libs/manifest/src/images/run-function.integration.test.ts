import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { decodeValue } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { aProject, type FixtureProject } from '../project.fixture.ts';
import { contentOf, imageOf } from './image.fixture.ts';

const FILES = {
  'src/app.ts': `import { App, Image } from 'gantry';
import { download } from './download.ts';
export const app = new App('shop');
const image = Image.debianSlim()
  .runFunction(download, { args: ['eng', { fast: true }], cpu: 2, memoryMiB: 512 });
export const f = app.function({ image }, () => 1);
`,
  'src/download.ts': `import { FOLDER } from './settings.ts';
import { fetchModel } from './fetch-model.ts';
const RETRIES = { most: 3 };
/** Brings a model. */
export async function download(name: string, { fast }: { fast: boolean }) {
  return fetchModel(FOLDER, name, fast, RETRIES.most);
}
export const unused = 1;
`,
  'src/settings.ts': `const ROOT = '/models';\nexport const FOLDER = ROOT + '/v1';\n`,
  'src/fetch-model.ts': `export const fetchModel = async (...parts: unknown[]) => parts.join('/');\n`,
};

async function digestOf(project: FixtureProject): Promise<string> {
  const step = (await imageOf(project)).steps[1];
  if (step?.type !== 'function') throw new Error('the step runs no function');
  return step.sourceDigest;
}

describe('a function that an image runs', () => {
  test('is named with its arguments, limits and what decides about running it again', async () => {
    await using project = await aProject(FILES);

    const { steps, sites } = await imageOf(project);

    expect(steps[1]).toEqual({
      type: 'function',
      name: 'download',
      args: expect.any(String) as string,
      sourceDigest: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) as string,
      timeoutMs: 3_600_000,
      cpu: 2,
      memoryMiB: 512,
    });
    const { args } = steps[1] as { args: string };
    expect(decodeValue(Buffer.from(args, 'base64'))).toEqual(['eng', { fast: true }]);
    expect(sites[1]).toEqual({ file: 'src/app.ts', line: 5 });
  });

  test.each<[what: string, file: keyof typeof FILES, from: string, to: string, isAgain: boolean]>([
    ['its body', 'src/download.ts', 'name, fast', 'fast, name', true],
    ['a variable that it names', 'src/download.ts', 'most: 3', 'most: 4', true],
    ['a variable that it imports', 'src/settings.ts', "'/v1'", "'/v2'", true],
    ['what such a variable is made of', 'src/settings.ts', "'/models'", "'/data'", true],
    ['a comment', 'src/download.ts', 'Brings a model', 'Fetches a model', false],
    ['its line', 'src/download.ts', 'const RETRIES', '\n\nconst RETRIES', false],
    ['a variable that it does not name', 'src/download.ts', 'unused = 1', 'unused = 2', false],
    ['a function that it calls', 'src/fetch-model.ts', "join('/')", "join('-')", false],
  ])('runs again for a change of %s, or not', async (_what, file, from, to, isAgain) => {
    await using project = await aProject(FILES);
    const before = await digestOf(project);
    await project.write({ [file]: FILES[file].replace(from, to) });

    expect((await digestOf(project)) !== before).toBe(isAgain);
  });

  test('may be a constant of the same file, and is told apart from others', async () => {
    const source = (body: string) => `import { App, Image } from 'gantry';
export const app = new App('shop');
const prepare = async () => ${body};
const image = Image.debianSlim().runFunction(prepare);
export const f = app.function({ image }, () => 1);
`;
    await using project = await aProject({ 'src/app.ts': source('1') });
    const before = await digestOf(project);
    await project.write({ 'src/app.ts': source('2') });

    expect(await digestOf(project)).not.toBe(before);
  });
});

describe('sources of workspace packages', () => {
  const SOURCE = {
    'src/app.ts': `import { App, Image } from 'gantry';
export const app = new App('shop');
const image = Image.debianSlim().addLocalSource('@acme/lib', { copy: true });
export const f = app.function({ image }, () => 1);
`,
    'libs/lib/package.json': '{ "name": "@acme/lib", "exports": "./src/index.ts" }',
    'libs/lib/src/index.ts': 'export const answer = 42;',
    'libs/lib/src/data.bin': 'data',
    'libs/lib/.env': 'SECRET=1',
    'libs/lib/node_modules/x/index.js': '',
  };

  test('go along as sources, with a link by which programs find them', async () => {
    await using project = await aProject(SOURCE);
    await mkdir(join(project.root, 'node_modules/@acme'));
    await symlink('../../libs/lib', join(project.root, 'node_modules/@acme/lib'));

    const step = (await imageOf(project)).steps[1];

    expect(step).toMatchObject({ type: 'files', remotePath: '.' });
    expect(await contentOf(project, step?.type === 'files' ? step.archive.path : '')).toEqual([
      'node_modules/@acme/lib -> ../../sources/@acme/lib',
      'sources/@acme/lib/package.json',
      'sources/@acme/lib/src/index.ts',
    ]);
  });

  test('that are none are told with file and line', async () => {
    await using project = await aProject(SOURCE);

    expect((await project.mistake()).message).toBe('src/app.ts:3: the workspace has no package "@acme/lib"');
  });
});

import { readJson, updateJson, writeJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { InvalidError } from '@gantry/protocol';
import { expect, test } from 'vitest';
import { appGenerator } from './app-generator.ts';

test('writes an app that the plugin finds, with a test and a README', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });

  await appGenerator(tree, { name: 'ocr' });

  expect(readJson(tree, 'apps/ocr/package.json')).toMatchObject({
    name: 'ocr',
    gantry: { entry: 'src/app.ts' },
    dependencies: { gantry: '*' },
  });
  expect(tree.read('apps/ocr/src/app.ts', 'utf8')).toContain("new App('ocr')");
  expect(tree.exists('apps/ocr/src/app.test.ts')).toBe(true);
  expect(tree.read('apps/ocr/README.md', 'utf8')).toContain('npx nx run ocr:deploy');
});

test.each([
  ['tools', 'tools/ocr'],
  ['tools/ocr', 'tools/ocr'],
])('makes the folder of the app in or at --directory=%s', async (directory, root) => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });

  await appGenerator(tree, { name: 'ocr', directory });

  expect(tree.exists(`${root}/src/app.ts`)).toBe(true);
});

test("builds on the workspace's own compiler options, and brings what those lack that decorators need", async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  const needed = {
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    allowImportingTsExtensions: true,
  };
  tree.delete('tsconfig.base.json');

  await appGenerator(tree, { name: 'alone' });
  tree.write(
    'tsconfig.base.json',
    '{ "compilerOptions": { "composite": true, "emitDeclarationOnly": true } } // as Nx makes it',
  );
  await appGenerator(tree, { name: 'foreign' });
  writeJson(tree, 'tsconfig.base.json', { compilerOptions: needed });
  await appGenerator(tree, { name: 'together' });

  expect(readJson(tree, 'apps/alone/tsconfig.json').compilerOptions).toMatchObject(needed);
  expect(readJson(tree, 'apps/foreign/tsconfig.json')).toMatchObject({
    extends: '../../tsconfig.base.json',
    compilerOptions: { ...needed, noEmit: true, composite: false, emitDeclarationOnly: false },
  });
  expect(readJson(tree, 'apps/together/tsconfig.json')).toEqual({
    extends: '../../tsconfig.base.json',
    include: ['src'],
  });
});

test('has a workspace know the plugin, without which the app has no targets', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });

  await appGenerator(tree, { name: 'first' });
  await appGenerator(tree, { name: 'second' });

  expect(readJson(tree, 'nx.json').plugins).toEqual(['@gantry/nx']);
});

test('leaves the settings of a plugin that is known', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  const known = { plugin: '@gantry/nx', options: { deployTargetName: 'ship' } };
  updateJson(tree, 'nx.json', (nx: object) => ({ ...nx, plugins: [known] }));

  await appGenerator(tree, { name: 'ocr' });

  expect(readJson(tree, 'nx.json').plugins).toEqual([known]);
});

test('brings the packages of its test and its types, at the versions that the workspace has already', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  updateJson(tree, 'package.json', (json: object) => ({ ...json, devDependencies: { vitest: '3.0.0' } }));

  await appGenerator(tree, { name: 'ocr' });

  expect(readJson(tree, 'package.json').devDependencies).toEqual({
    vitest: '3.0.0',
    '@types/node': expect.any(String) as string,
  });
});

test('refuses a name that cannot be one, and a folder that is taken', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  await appGenerator(tree, { name: 'ocr' });

  await expect(appGenerator(tree, { name: 'OCR' })).rejects.toBeInstanceOf(InvalidError);
  await expect(appGenerator(tree, { name: 'ocr' })).rejects.toThrow('"apps/ocr"');
});

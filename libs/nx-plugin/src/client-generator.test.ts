import { readJson } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { InvalidError } from '@gantry/protocol';
import { expect, test } from 'vitest';
import { clientGenerator } from './client-generator.ts';

test('writes a library with the client, and renews the client alone when it is there', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });

  await clientGenerator(tree, { app: 'shop' }, async () => 'export const first = 1;');
  tree.write('libs/shop-client/package.json', '{ "name": "mine" }');
  await clientGenerator(tree, { app: 'shop', directory: 'libs' }, async () => 'export const second = 2;');

  expect(tree.read('libs/shop-client/src/index.ts', 'utf8')).toBe('export const second = 2;\n');
  expect(readJson(tree, 'libs/shop-client/package.json')).toEqual({ name: 'mine' });
  expect(readJson(tree, 'libs/shop-client/tsconfig.json')).toMatchObject({ include: ['src'] });
});

test('a new library names its entry, and what it needs', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });

  await clientGenerator(tree, { app: 'Shop', directory: 'clients' }, async () => 'export {};');

  expect(readJson(tree, 'clients/Shop-client/package.json')).toMatchObject({
    name: 'shop-client',
    exports: './src/index.ts',
    dependencies: { gantry: '*' },
  });
});

test('a name that is no folder is refused before anything is asked', async () => {
  const tree = createTreeWithEmptyWorkspace();

  await expect(clientGenerator(tree, { app: '../shop' }, async () => '')).rejects.toThrow(InvalidError);
});

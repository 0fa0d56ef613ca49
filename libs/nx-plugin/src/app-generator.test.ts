import { readJson } from '@nx/devkit';
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

test("builds on the workspace's own compiler options, or brings those that decorators need", async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  tree.delete('tsconfig.base.json');

  await appGenerator(tree, { name: 'alone' });
  tree.write('tsconfig.base.json', '{}');
  await appGenerator(tree, { name: 'together' });

  expect(readJson(tree, 'apps/alone/tsconfig.json').compilerOptions).toMatchObject({
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  });
  expect(readJson(tree, 'apps/together/tsconfig.json').extends).toBe('../../tsconfig.base.json');
});

test('refuses a name that cannot be one, and a folder that is taken', async () => {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'prettier' });
  await appGenerator(tree, { name: 'ocr' });

  await expect(appGenerator(tree, { name: 'OCR' })).rejects.toBeInstanceOf(InvalidError);
  await expect(appGenerator(tree, { name: 'ocr' })).rejects.toThrow('"apps/ocr"');
});

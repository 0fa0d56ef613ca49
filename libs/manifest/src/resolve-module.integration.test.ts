import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { aProject } from './project.fixture.ts';
import { resolveModule } from './resolve-module.ts';

describe('a module', () => {
  test.each([
    ['@acme/ocr', 'node_modules/@acme/ocr/src/main.ts'],
    ['@acme/ocr/pages', 'node_modules/@acme/ocr/src/pages.ts'],
    ['./src/app', 'src/app.ts'],
    ['./src/app.js', 'src/app.ts'],
    ['./src', 'src/index.ts'],
    ['~shop/app', 'src/app.ts'],
  ])('"%s" is found as an import would find it', async (specifier, file) => {
    const exports = { '.': { import: './src/main.ts' }, './*': './src/*.ts' };
    await using project = await aProject({
      'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { '~shop/*': ['./src/*'] } } }),
      'src/app.ts': '',
      'src/index.ts': '',
      'node_modules/@acme/ocr/package.json': JSON.stringify({ name: '@acme/ocr', exports }),
      'node_modules/@acme/ocr/src/main.ts': '',
      'node_modules/@acme/ocr/src/pages.ts': '',
    });

    expect(await resolveModule(specifier, project.root)).toBe(join(project.root, file));
  });

  test('that leads nowhere is an error that says how to write one', async () => {
    await using project = await aProject({});

    await expect(resolveModule('src/app', project.root)).rejects.toMatchObject({
      name: 'NotFoundError',
      message: `the module "src/app" cannot be found from "${project.root}"`,
      hint: expect.stringContaining('./src/app') as string,
    });
  });
});

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { NotFoundError } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { loadManifest } from './index.ts';
import { aProject } from './project.fixture.ts';

const SOURCE = { 'src/app.ts': "import { App } from 'gantry';\nexport const app = new App('shop');" };

test('a manifest is loaded as it was built', async () => {
  await using project = await aProject(SOURCE);
  const { manifest } = await project.build();

  expect(await loadManifest(project.outDir)).toEqual(manifest);
});

test('a folder without a manifest is told to be built', async () => {
  await using project = await aProject(SOURCE);

  await expect(loadManifest(project.outDir)).rejects.toMatchObject({ hint: 'Build the app first.' });
});

test('a file that is gone or has another size is noticed', async () => {
  await using project = await aProject(SOURCE);
  const { files } = await project.build();

  await writeFile(files.bundle, '');
  await expect(loadManifest(project.outDir)).rejects.toThrow('has 0 bytes, but the manifest says');
  await rm(files.bundle);
  await expect(loadManifest(project.outDir)).rejects.toBeInstanceOf(NotFoundError);
});

test('a manifest that is no JSON is damaged', async () => {
  await using project = await aProject(SOURCE);
  await project.build();
  const file = join(project.outDir, 'manifest.json');
  await writeFile(file, '{');

  await expect(loadManifest(project.outDir)).rejects.toThrow(`"${file}" is no JSON`);
});

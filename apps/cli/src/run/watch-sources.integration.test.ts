import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { watchSources } from './watch-sources.ts';

test('reports saved sources, also those that an editor replaces, and ends when told to', async () => {
  const directory = await temporaryDirectory('gantry-cli-');
  const source = path.join(directory.path, 'app.ts');
  const other = path.join(directory.path, 'notes.txt');
  await writeFile(source, '1');
  const controller = new AbortController();
  const changes = watchSources(() => [source], controller.signal);

  const namesOf = async (change: Promise<IteratorResult<string[], void>>) =>
    ((await change).value ?? []).map((file) => path.basename(file));

  const first = changes.next();
  await writeFile(other, 'not a source');
  await writeFile(source, '2');
  expect(await namesOf(first)).toEqual(['app.ts']);

  const second = changes.next();
  await writeFile(`${source}.draft`, '3');
  await rename(`${source}.draft`, source);
  expect(await namesOf(second)).toEqual(['app.ts']);

  const third = changes.next();
  controller.abort();
  expect((await third).done).toBe(true);
  await directory.remove();
});

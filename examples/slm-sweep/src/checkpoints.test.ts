import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

import { furthest, save } from './checkpoints.ts';
import { begin, makeGrid, train } from './experiment.ts';

test('a training goes on from what is saved of it, unless that is behind it or too far', async () => {
  await using folder = await temporaryDirectory('gantry-slm-');
  const [experiment, other] = makeGrid();
  if (!experiment || !other) throw new Error('the grid is empty');
  const start = begin(experiment);
  expect(await furthest(folder.path, start, 100)).toBe(start);
  const trained = await train(structuredClone(start), { toStep: 20, shouldStop: () => false });
  await save(folder.path, trained);
  await save(folder.path, begin(other));

  expect(await furthest(folder.path, start, 100)).toEqual(trained);
  expect(await furthest(folder.path, start, 10)).toBe(start);
  expect(await furthest(folder.path, trained, 100)).toBe(trained);
  expect(await readdir(folder.path)).toHaveLength(3);
  expect(await readlink(join(folder.path, 'latest'))).toContain(other.name.replaceAll(' ', '_'));
});

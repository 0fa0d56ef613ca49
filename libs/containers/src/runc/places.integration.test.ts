import { existsSync, lstatSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it } from 'vitest';

import { removeDanglingLinks } from './places.ts';

it('links to layers that are gone are removed, those to others stay', async () => {
  await using directory = await temporaryDirectory('gantry-links-');
  const [links, layer] = [join(directory.path, 'links'), join(directory.path, 'layer')];
  await mkdir(links);
  await mkdir(layer);
  await symlink(layer, join(links, 'kept'));
  await symlink(join(directory.path, 'gone'), join(links, 'dangling'));

  removeDanglingLinks(links);

  expect(await readdir(links)).toEqual(['kept']);
  expect(lstatSync(join(links, 'kept')).isSymbolicLink()).toBe(true);
  expect(existsSync(layer)).toBe(true);
});

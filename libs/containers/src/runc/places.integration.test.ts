import { existsSync, lstatSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it } from 'vitest';

import { mountsBelow, removeDanglingLinks } from './places.ts';

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

it('file systems that are mounted in a folder are found, whatever they are called', () => {
  const mountinfo = `22 1 254:1 / / rw - ext4 /dev/vda1 rw
23 22 0:21 / /usr/local/nvidia ro - tmpfs tmpfs rw
24 22 0:22 / /usr/share/my\\040files rw - tmpfs tmpfs rw
25 24 0:22 /sub /usr/share/my\\040files rw - tmpfs tmpfs rw
26 22 0:23 / /usr rw - tmpfs tmpfs rw
27 22 0:24 / /usrlocal rw - tmpfs tmpfs rw
`;
  expect(mountsBelow(['/usr', '/lib64'], mountinfo)).toEqual(['/usr/local/nvidia', '/usr/share/my files']);
});

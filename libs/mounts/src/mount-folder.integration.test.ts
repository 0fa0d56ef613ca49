import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { findMountProblem } from './fuse-mount.ts';
import { MountFolder } from './mount-folder.ts';

const problem = findMountProblem();

describe.skipIf(problem)(`a folder of mounts${problem ? ` (${problem.message})` : ''}`, () => {
  it('is cleared also while what is mounted there goes by itself', async () => {
    await using directory = await temporaryDirectory('gantry-mounts-');
    const path = join(directory.path, 'mounts');
    const folder = new MountFolder(path, 'tmpfs');
    for (let at = 0; at < 5; at++) {
      execFileSync('mount', ['-t', 'tmpfs', 'none', await folder.newPlace('place')]);
    }
    expect(await folder.places()).toHaveLength(5);

    await Promise.all([folder.clear(), new MountFolder(path, 'tmpfs').clear()]);

    expect(await folder.places()).toEqual([]);
  });

  it('has a new place for each mount, whatever is left of others', async () => {
    await using directory = await temporaryDirectory('gantry-mounts-');
    const path = join(directory.path, 'mounts');
    const folder = new MountFolder(path, 'tmpfs');
    try {
      const first = await folder.newPlace('place');
      expect(await new MountFolder(path, 'tmpfs').newPlace('place')).not.toBe(first);
    } finally {
      await folder.clear();
    }
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ContainerError } from '@gantry/protocol';

import type { ContainerMount } from '../container-driver.ts';
import { Pipes } from '../pipes.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { cgroupLayout, NO_CGROUPS, type CgroupLayout } from './cgroups.ts';
import { DiskImages } from './disk-image.ts';
import { openMemoryFolder, removeMemoryFolder } from './memory-folder.ts';
import { prepareRunFolder, writeDefaultRoot, writePlatformLayer } from './places.ts';

/** What all drivers of OCI runtimes have. */
export interface DriverParts {
  /** A folder for what is written for each container, and is small. */
  memory: string;
  cgroups: CgroupLayout;
  platformLayer: string;
  /** For containers without an image. */
  defaultRoot: { layer: string; mounts: ContainerMount[] };
  diskImages: DiskImages;
  pipes: Pipes;
}

/**
 * Makes them, in a worker's data folder.
 *
 * @throws ContainerError if this machine counts the memory of no groups.
 */
export function makeDriverParts(dataDir: string): DriverParts {
  const cgroups = isRootless() ? NO_CGROUPS : cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
  if (!cgroups) {
    throw new ContainerError('this machine has no cgroups for memory, so containers cannot be limited', {
      hint: 'Mount /sys/fs/cgroup, or use "--driver process".',
    });
  }
  prepareRunFolder();
  const memory = openMemoryFolder();
  return {
    ...{ memory, cgroups },
    diskImages: new DiskImages(join(dataDir, 'roots', 'disks')),
    platformLayer: writePlatformLayer(join(dataDir, 'roots', 'platform')),
    defaultRoot: writeDefaultRoot(join(dataDir, 'roots', 'default')),
    pipes: new Pipes(join(memory, 'pipes')),
  };
}

/** When nothing of them is used any more. */
export function closeDriverParts({ memory, pipes }: DriverParts): void {
  pipes.close();
  removeMemoryFolder(memory);
}

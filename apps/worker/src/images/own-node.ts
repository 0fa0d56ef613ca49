import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { ContainerRoot } from '@gantry/containers';

/** Where official images of Node have it, and those in which the platform has put one. */
const OWN_NODE = '/usr/local/bin/node';
/** The oldest in which runners run. */
const OLDEST = { major: 22, minor: 12 };

/**
 * The Node in which functions of an image run: its own, if it says with `NODE_VERSION` which one it has, and runners can
 * run in that. Undefined for the platform's.
 */
export function ownNode({ env, layers }: Pick<ContainerRoot, 'env' | 'layers'>): string | undefined {
  const version = /^(?<major>\d+)(?:\.(?<minor>\d+))?/.exec(env['NODE_VERSION'] ?? '')?.groups;
  const major = Number(version?.['major'] ?? 0);
  // "22" is the newest one of these.
  const minor = Number(version?.['minor'] ?? Number.POSITIVE_INFINITY);
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) return undefined;
  return layers.some((layer) => existsSync(join(layer, OWN_NODE))) ? OWN_NODE : undefined;
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import type { ContainerRoot } from '@gantry/containers';
import { OWN_NODE, saysOwnNode } from '@gantry/images';

/**
 * The Node in which functions of an image run: its own, if it says with `NODE_VERSION` which one it has, and runners can
 * run in that. Undefined for the platform's.
 */
export function ownNode({ env, layers }: Pick<ContainerRoot, 'env' | 'layers'>): string | undefined {
  if (!saysOwnNode(env)) return undefined;
  return layers.some((layer) => existsSync(join(layer, OWN_NODE))) ? OWN_NODE : undefined;
}

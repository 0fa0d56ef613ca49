import { registryKeys, type VolumeHead } from '@gantry/protocol';
import type { HeadStore } from '@gantry/volumes';

import type { Registry } from './registry.ts';

/** The heads of volumes, which the registry keeps. */
export function volumeHeads(registry: Pick<Registry, 'get' | 'update'>): HeadStore {
  return {
    async read(volumeId) {
      const found = await registry.get<VolumeHead>(registryKeys.volumeHead(volumeId));
      return found && { head: found.value, revision: found.revision };
    },
    move: (volumeId, head, revision) => registry.update(registryKeys.volumeHead(volumeId), head, revision),
  };
}

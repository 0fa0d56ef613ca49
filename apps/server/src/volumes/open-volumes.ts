import { setTimeout as delay } from 'node:timers/promises';

import type { BlobStore } from '@gantry/blobs';
import { type Registry, volumeHeads } from '@gantry/messaging';
import type { Environments } from '@gantry/protocol';
import { blobPages, VolumeDirectory, VolumeStore } from '@gantry/volumes';

export interface VolumesParts {
  registry: Registry;
  blobs: BlobStore;
  environments: Environments;
}

/** The volumes of the platform, over its registry and the store of their blocks. */
export function openVolumes({ registry, blobs, environments }: VolumesParts): VolumeDirectory {
  const pause = (ms: number): Promise<void> => delay(ms);
  const store = new VolumeStore({
    heads: volumeHeads(registry),
    pages: blobPages(blobs),
    nowMs: Date.now,
    pause,
    random: Math.random,
  });
  return new VolumeDirectory({ registry, environments, store, blobs, pause });
}

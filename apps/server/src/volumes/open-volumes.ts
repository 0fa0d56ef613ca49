import { setTimeout as delay } from 'node:timers/promises';

import type { BlobStore } from '@gantry/blobs';
import { type Registry, volumeHeads } from '@gantry/messaging';
import { blobPages, VolumeDirectory, VolumeStore } from '@gantry/volumes';

/** The volumes of the platform, over its registry and the store of their blocks. */
export function openVolumes(registry: Registry, blobs: BlobStore): VolumeDirectory {
  const pause = (ms: number): Promise<void> => delay(ms);
  const store = new VolumeStore({
    heads: volumeHeads(registry),
    pages: blobPages(blobs),
    nowMs: Date.now,
    pause,
    random: Math.random,
  });
  return new VolumeDirectory({ registry, store, blobs, pause });
}

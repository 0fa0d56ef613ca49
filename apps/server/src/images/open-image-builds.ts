import { join } from 'node:path';

import type { BlobStore } from '@gantry/blobs';
import { findGpus, ImageBuilder } from '@gantry/containers';
import type { Messaging } from '@gantry/messaging';
import { BucketMounts, VersionsInUse } from '@gantry/mounts';
import type { Environments } from '@gantry/protocol';

import type { CompleteServerConfig } from '../config.ts';
import { openVolumes } from '../volumes/open-volumes.ts';
import type { BuilderChoice } from './builder-choice.ts';
import { ImageBuilds } from './image-builds.ts';
import { StepStorage } from './step-storage.ts';

export interface ImageBuildParts {
  config: Pick<CompleteServerConfig, 'dataDir' | 'runnerPath' | 'log'>;
  blobs: BlobStore;
  volumeBlobs: BlobStore;
  messaging: Pick<Messaging, 'registry' | 'leases'>;
  environments: Environments;
  builder: BuilderChoice;
}

/** Nothing is made, and no program looked for, before the first image is built. */
export function openImageBuilds(
  { config, blobs, volumeBlobs, messaging, environments, builder }: ImageBuildParts,
  serverId: string,
): ImageBuilds {
  const folder = join(config.dataDir, 'image-builds');
  const { registry } = messaging;
  const warn = (message: string, err?: unknown): void => config.log.warn({ err }, message);
  return new ImageBuilds({
    messaging,
    serverId,
    builder: new ImageBuilder({
      folder,
      store: blobs,
      runnerPath: config.runnerPath,
    }),
    findGpus: () =>
      findGpus((err) => config.log.warn({ err }, 'nvidia-smi does not work: build steps get no GPUs')),
    storage: new StepStorage({
      folder: join(folder, 'storage-of-steps'),
      volumes: openVolumes({ registry, blobs: volumeBlobs, environments }),
      environments,
      inUse: new VersionsInUse({ registry, holder: serverId, warn }),
      buckets: new BucketMounts({ folder: join(folder, 'buckets'), warn }),
    }),
    chosen: builder,
  });
}

import { join } from 'node:path';

import type { BlobStore } from '@gantry/blobs';
import { findGpus, ImageBuilder, ownDebianSuite } from '@gantry/containers';
import { debianSuite } from '@gantry/images';
import type { Messaging } from '@gantry/messaging';

import type { CompleteServerConfig } from '../config.ts';
import { ImageBuilds } from './image-builds.ts';

export interface ImageBuildParts {
  config: Pick<CompleteServerConfig, 'dataDir' | 'runnerPath' | 'log'>;
  blobs: BlobStore;
  messaging: Pick<Messaging, 'registry' | 'leases'>;
}

/** Nothing is made, and no program looked for, before the first image is built. */
export async function openImageBuilds(
  { config, blobs, messaging }: ImageBuildParts,
  serverId: string,
): Promise<ImageBuilds> {
  const suite = await ownDebianSuite();
  return new ImageBuilds({
    messaging,
    serverId,
    builder: new ImageBuilder({
      folder: join(config.dataDir, 'image-builds'),
      store: blobs,
      runnerPath: config.runnerPath,
    }),
    findGpus: () =>
      findGpus((err) => config.log.warn({ err }, 'nvidia-smi does not work: build steps get no GPUs')),
    nodeVersion: process.versions.node,
    debianSuite: suite === undefined ? undefined : debianSuite(suite),
  });
}

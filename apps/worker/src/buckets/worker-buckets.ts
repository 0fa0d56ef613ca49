import { bucketOfMount } from '@gantry/blobs';
import type { ContainerVolume } from '@gantry/containers';
import type { BucketMounts, MountedBucket } from '@gantry/mounts';
import type { BucketMountSpec, FunctionRecord } from '@gantry/protocol';

import type { ContainerSecrets } from '../containers/container-secrets.ts';

export interface WorkerBucketsOptions {
  mounts: BucketMounts;
  secrets: Pick<ContainerSecrets, 'valuesOf'>;
  /** Who owns files in containers. */
  ownerId: number;
}

/** The buckets of one container. */
export interface OpenBuckets {
  /** What the driver is to show in it. */
  shown: ContainerVolume[];
  /** When the container has ended. */
  release(): void;
}

/** Buckets of S3 stores on this machine. Their credentials stay here: no container has them. */
export class WorkerBuckets {
  readonly #options: WorkerBucketsOptions;

  constructor(options: WorkerBucketsOptions) {
    this.#options = options;
  }

  /** Removes what a killed worker left behind. */
  async start(): Promise<void> {
    await this.#options.mounts.reconcile();
  }

  /** When no container has one any more. */
  async close(): Promise<void> {
    await this.#options.mounts.close();
  }

  /**
   * Mounts what a function has.
   *
   * @param onLost Called if files of a bucket cannot be read any more.
   * @throws GantryError saying what is wrong with a bucket, its secret, or this machine.
   */
  async open(record: FunctionRecord, onLost: (error: Error) => void): Promise<OpenBuckets> {
    const opened: MountedBucket[] = [];
    const release = (): void => {
      for (const bucket of opened) bucket.release();
    };
    const shown: ContainerVolume[] = [];
    try {
      for (const spec of record.spec.options.buckets ?? []) {
        const bucket = await this.#open(record, spec);
        opened.push(bucket);
        shown.push({ folder: bucket.path, target: spec.path });
        void bucket.lost.then(onLost);
      }
      return { shown, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #open(record: FunctionRecord, spec: BucketMountSpec): Promise<MountedBucket> {
    const { mounts, secrets, ownerId } = this.#options;
    const values = spec.secret && (await secrets.valuesOf(record, [spec.secret]));
    return mounts.open({ ...(await bucketOfMount(spec, values)), ownerId });
  }
}

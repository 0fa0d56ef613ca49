import { type BucketIdentity, bucketOfMount } from '@gantry/blobs';
import type { ContainerVolume } from '@gantry/containers';
import type { BucketMounts, MountedBucket } from '@gantry/mounts';
import type { BucketMountSpec } from '@gantry/protocol';

import type { ContainerIdentity } from '../containers/container-identity.ts';
import type { ContainerSecrets } from '../containers/container-secrets.ts';
import type { ContainerOrder } from '../containers/load-message.ts';

export interface WorkerBucketsOptions {
  mounts: BucketMounts;
  secrets: Pick<ContainerSecrets, 'valuesOf'>;
  identity: Pick<ContainerIdentity, 'tokenFor'>;
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
   * Mounts what the function of a container has.
   *
   * @param onLost Called if files of a bucket cannot be read any more.
   * @throws GantryError saying what is wrong with a bucket, its secret or role, or this machine.
   */
  async open(order: ContainerOrder, onLost: (error: Error) => void): Promise<OpenBuckets> {
    const opened: MountedBucket[] = [];
    const release = (): void => {
      for (const bucket of opened) bucket.release();
    };
    const shown: ContainerVolume[] = [];
    try {
      for (const spec of order.record.spec.options.buckets ?? []) {
        const bucket = await this.#open(order, spec);
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

  async #open(order: ContainerOrder, spec: BucketMountSpec): Promise<MountedBucket> {
    const { mounts, secrets, ownerId } = this.#options;
    const values = spec.secret && (await secrets.valuesOf(order.record, [spec.secret]));
    const user = { values, identity: this.#identityOf(order) };
    return mounts.open({ ...(await bucketOfMount(spec, user)), ownerId });
  }

  /** Containers of one function share a mount, as it takes much memory: it acts for the one that came first. */
  #identityOf(order: ContainerOrder): BucketIdentity {
    const token = (): Promise<string | undefined> => this.#options.identity.tokenFor(order);
    return { holder: order.record.id, sessionName: order.containerId, token };
  }
}

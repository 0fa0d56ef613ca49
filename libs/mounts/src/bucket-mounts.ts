import { createHash } from 'node:crypto';
import { realpath, rmdir } from 'node:fs/promises';

import { type CredentialSource, GantryError } from '@gantry/protocol';

import {
  BUCKET_MOUNT_TYPE,
  findBucketProblem,
  mountBucket,
  type BucketMount,
  type BucketToMount,
} from './bucket-mount.ts';
import { CredentialEndpoint } from './credential-endpoint.ts';
import { MountFolder } from './mount-folder.ts';

/** A mount that nobody uses stays for the next who wants it. */
const KEPT_MS = 10_000;

export interface BucketMountsOptions {
  /** For the mounts. One per worker. */
  folder: string;
  warn: (message: string) => void;
  /** How long a mount stays when nobody uses it. @defaultValue 10_000 */
  keptMs?: number | undefined;
}

/** A bucket in a folder. */
export interface MountedBucket {
  path: string;
  /** Resolves, with what happened, if its files cannot be read any more. */
  lost: Promise<GantryError>;
  /** To be called once by each who opened it. */
  release(): void;
}

interface SharedBucket {
  ready: Promise<{ path: string; mount: BucketMount }>;
  users: number;
  timer?: NodeJS.Timeout;
}

/**
 * Buckets of S3 stores as folders of this machine, one process of rclone for each. Whoever wants the same bucket with the
 * same credentials shares it.
 */
export class BucketMounts {
  readonly #options: BucketMountsOptions;
  readonly #folder: MountFolder;
  readonly #credentials = new CredentialEndpoint();
  readonly #shared = new Map<string, SharedBucket>();

  constructor(options: BucketMountsOptions) {
    this.#options = options;
    this.#folder = new MountFolder(options.folder, BUCKET_MOUNT_TYPE);
  }

  /** @throws GantryError `UNAVAILABLE` where buckets cannot be mounted; its message says why. */
  async open(bucket: BucketToMount): Promise<MountedBucket> {
    const key = createHash('sha256').update(JSON.stringify(bucket)).digest('hex');
    let shared = this.#shared.get(key);
    if (!shared) {
      shared = { ready: this.#mount(key, bucket), users: 0 };
      this.#shared.set(key, shared);
    }
    const used = shared;
    clearTimeout(used.timer);
    used.users++;
    try {
      const { path, mount } = await used.ready;
      let isReleased = false;
      const release = (): void => {
        if (isReleased) return;
        isReleased = true;
        this.#release(key, used);
      };
      return { path, lost: mount.lost, release };
    } catch (error) {
      this.#forget(key, used);
      throw error;
    }
  }

  /** Takes away what a worker that was killed left mounted. Resolves to how many that were. */
  reconcile(): Promise<number> {
    return this.#folder.clear();
  }

  /** When nobody uses one any more. */
  async close(): Promise<void> {
    const all = [...this.#shared.values()];
    this.#shared.clear();
    await Promise.all(all.map((shared) => this.#unmount(shared)));
    await this.#credentials.close();
    await this.reconcile();
  }

  async #mount(key: string, bucket: BucketToMount): Promise<{ path: string; mount: BucketMount }> {
    const problem = findBucketProblem();
    if (problem)
      throw new GantryError('UNAVAILABLE', `this worker mounts no buckets: ${problem.message}`, problem);
    const path = await realpath(await this.#folder.newPlace(key.slice(0, 12)));
    const mount = await this.#start(path, bucket);
    void mount.lost.then(async (error) => {
      this.#options.warn(error.message);
      // Whoever comes next gets a new one.
      const shared = this.#shared.get(key);
      if (shared) this.#forget(key, shared);
      await this.#folder.remove(path).catch(() => undefined);
    });
    return { path, mount };
  }

  async #start(path: string, bucket: BucketToMount): Promise<BucketMount> {
    const { credentials } = bucket;
    const { warn } = this.#options;
    if (!credentials || !('lend' in credentials)) return mountBucket(path, bucket, { warn });
    const lend = (): ReturnType<CredentialSource['lend']> =>
      credentials.lend().catch((error: Error) => {
        warn(`bucket "${bucket.bucket}": ${error.message}`);
        throw error;
      });
    const credentialsAt = await this.#credentials.add(lend);
    try {
      const mount = await mountBucket(path, bucket, { warn, credentialsAt });
      void mount.lost.then(() => credentialsAt.close());
      return { ...mount, unmount: () => mount.unmount().finally(() => credentialsAt.close()) };
    } catch (error) {
      credentialsAt.close();
      throw error;
    }
  }

  #release(key: string, shared: SharedBucket): void {
    if (--shared.users > 0 || this.#shared.get(key) !== shared) return;
    shared.timer = setTimeout(() => {
      this.#forget(key, shared);
      void this.#unmount(shared);
    }, this.#options.keptMs ?? KEPT_MS);
  }

  async #unmount({ ready, timer }: SharedBucket): Promise<void> {
    clearTimeout(timer);
    const opened = await ready.catch(() => undefined);
    await opened?.mount.unmount();
    if (opened) await rmdir(opened.path).catch(() => undefined);
  }

  #forget(key: string, shared: SharedBucket): void {
    if (this.#shared.get(key) === shared) this.#shared.delete(key);
  }
}

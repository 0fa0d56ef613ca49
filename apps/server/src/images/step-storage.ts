import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bucketOfMount } from '@gantry/blobs';
import type { BuildStepOptions } from '@gantry/containers';
import { type BucketMounts, CopiedView, MountedVolume, type VersionsInUse } from '@gantry/mounts';
import {
  type Environments,
  type FunctionStep,
  IMAGE_FUNCTION_VOLUMES,
  InvalidError,
  newId,
  NotFoundError,
  type SecretRef,
  type SecretValues,
  type StepVolumeRequest,
  type VolumeMount,
} from '@gantry/protocol';
import type { VolumeDirectory } from '@gantry/volumes';

import { openMounts } from '../deploy/deployed-volumes.ts';
import { StepVolumeDoor } from './step-volume-door.ts';

export interface StepStorageOptions {
  /** For copies of volumes, and for mounts of buckets. One per server. */
  folder: string;
  volumes: Pick<VolumeDirectory, 'create' | 'find' | 'store' | 'blobs'>;
  environments: Pick<Environments, 'idOf'>;
  inUse: Pick<VersionsInUse, 'add' | 'remove' | 'close'>;
  buckets: Pick<BucketMounts, 'open' | 'reconcile' | 'close'>;
}

/** Who builds. */
export interface StepUser {
  environment: string;
  openSecrets(refs: readonly SecretRef[]): Promise<SecretValues>;
}

/** What a step has while it runs. Disposed without a commit. */
export interface OpenStepStorage extends AsyncDisposable {
  mounts: NonNullable<BuildStepOptions['mounts']>;
  /** What the step has written is in its volumes when this resolves. */
  commit(): Promise<void>;
}

/**
 * Volumes and buckets of steps that run functions. A volume is a copy of the version that is the newest when the step
 * begins: such steps are few, and write more than they read.
 */
export class StepStorage {
  readonly #options: StepStorageOptions;
  #isReady: Promise<unknown> | undefined;

  constructor(options: StepStorageOptions) {
    this.#options = options;
  }

  /**
   * The volumes of a step; makes those that are to be made.
   *
   * @throws NotFoundError for one that does not exist.
   */
  async find({ name, volumes = [] }: FunctionStep, environment: string): Promise<VolumeMount[]> {
    return openMounts(this.#options.volumes, {
      subject: `the step "run ${name}()"`,
      mounts: volumes,
      environment,
    });
  }

  async open(step: FunctionStep, volumes: readonly VolumeMount[], user: StepUser): Promise<OpenStepStorage> {
    // What a server that was killed left behind.
    this.#isReady ??= Promise.all([
      rm(this.#copies, { recursive: true, force: true }),
      this.#options.buckets.reconcile(),
    ]);
    await this.#isReady;
    await using opening = new AsyncDisposableStack();
    const mounted = await this.#openVolumes(volumes, opening);
    const buckets = await this.#openBuckets(step, user, opening);
    const mounts = [
      ...mounted.map(({ volume, folder }) => ({
        source: folder,
        target: volume.mount.path,
        writable: volume.mount.readOnly !== true,
      })),
      ...buckets,
    ];
    if (mounted.length > 0) {
      const act = (request: StepVolumeRequest) => this.#act(request, mounted, user.environment);
      // Unix limits the length of such paths.
      const door = await StepVolumeDoor.open(join(tmpdir(), `gantry-${newId('st')}.sock`), act);
      opening.use(door);
      mounts.push({ source: door.path, target: IMAGE_FUNCTION_VOLUMES, writable: true });
    }
    const opened = opening.move();
    return {
      mounts,
      commit: async () => {
        for (const { volume } of mounted) await volume.commit();
      },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  }

  /** When no build is under way. */
  async close(): Promise<void> {
    if (!this.#isReady) return;
    await this.#options.buckets.close();
    await this.#options.inUse.close();
  }

  get #copies(): string {
    return join(this.#options.folder, 'volumes');
  }

  async #openVolumes(
    mounts: readonly VolumeMount[],
    opening: AsyncDisposableStack,
  ): Promise<{ volume: MountedVolume; folder: string }[]> {
    const { inUse, volumes } = this.#options;
    const { blobs, store } = volumes;
    const opened: { volume: MountedVolume; folder: string }[] = [];
    for (const mount of mounts) {
      const place = join(this.#copies, newId('st'), 'volume');
      await mkdir(place, { recursive: true, mode: 0o700 });
      const view = new CopiedView(place, { blobs, isReadOnly: mount.readOnly === true });
      const volume = new MountedVolume({ mount, store, blobs, inUse, view, assertOwn: () => undefined });
      opening.defer(() => volume.close());
      await volume.open();
      opened.push({ volume, folder: view.folder });
    }
    return opened;
  }

  async #openBuckets(
    { buckets = [] }: FunctionStep,
    { openSecrets }: StepUser,
    opening: AsyncDisposableStack,
  ): Promise<OpenStepStorage['mounts'][number][]> {
    const opened: OpenStepStorage['mounts'][number][] = [];
    for (const spec of buckets) {
      const values = spec.secret && (await openSecrets([spec.secret]));
      const bucket = { ...(await bucketOfMount(spec, { values })), ownerId: process.getuid?.() ?? 0 };
      const { path, release } = await this.#options.buckets.open(bucket);
      opening.defer(release);
      opened.push({ source: path, target: spec.path, writable: spec.readOnly !== true });
    }
    return opened;
  }

  async #act(
    { act, name, environment: asked }: StepVolumeRequest,
    mounted: readonly { volume: MountedVolume }[],
    environment: string,
  ): Promise<void> {
    const environmentId = await this.#options.environments.idOf(asked ?? environment);
    const own = mounted.filter(
      ({ volume: { mount } }) => mount.name === name && mount.environment === environmentId,
    );
    if (own.length === 0) {
      throw new NotFoundError(`this step does not have volume "${name}"`, {
        hint: 'Add it to the options of runFunction, and name it as there.',
      });
    }
    if (act === 'reload') {
      throw new InvalidError(`volume "${name}" cannot be reloaded while an image is built`, {
        hint: 'A step sees what was committed last when it began: let one step write, and a later one read.',
      });
    }
    for (const { volume } of own) await volume.commit();
  }
}

import {
  type Environments,
  isGantryError,
  type Manifest,
  NotFoundError,
  type VolumeMount,
  type VolumeMountSpec,
  type VolumeRecord,
} from '@gantry/protocol';
import type { VolumeDirectory } from '@gantry/volumes';

/** What a deploy says about volumes. */
export interface VolumeOrder {
  manifest: Pick<Manifest, 'functions' | 'images'>;
  environment: string;
}

/** Mounts of one function or step, as the code names them. */
export interface MountOrder {
  /** Who has them, for messages. */
  subject: string;
  mounts: readonly VolumeMountSpec[];
  environment: string;
}

type Directory = Pick<VolumeDirectory, 'create' | 'find'>;

/** The volumes that the functions of one deploy have. */
export class DeployedVolumes {
  readonly #volumes: Directory;
  readonly #environments: Pick<Environments, 'idOf'>;

  constructor(volumes: Directory, environments: Pick<Environments, 'idOf'>) {
    this.#volumes = volumes;
    this.#environments = environments;
  }

  /** @throws NotFoundError for a volume that does not exist, and is not to be made, and for an unknown environment. */
  async check({ manifest, environment }: VolumeOrder): Promise<void> {
    const steps = (manifest.images ?? []).flatMap((image) => image.steps);
    const orders = [
      ...manifest.functions.map(({ name, options }) => ({ subject: `"${name}"`, mounts: options.volumes })),
      ...steps.flatMap((step) =>
        step.type === 'function' ? [{ subject: `the step "run ${step.name}()"`, mounts: step.volumes }] : [],
      ),
    ];
    for (const { subject, mounts = [] } of orders) {
      for (const mount of mounts) await this.#environments.idOf(mount.environment ?? environment);
      const needed = mounts.filter(({ createIfMissing }) => !createIfMissing);
      await openMounts(this.#volumes, { subject, mounts: needed, environment });
    }
  }

  /** Makes those that are missing; resolves to the mounts of each function that has some, by its name. */
  async open({ manifest, environment }: VolumeOrder): Promise<Map<string, VolumeMount[]>> {
    const opened = new Map<string, VolumeMount[]>();
    for (const { name, options } of manifest.functions) {
      const order = { subject: `"${name}"`, mounts: options.volumes ?? [], environment };
      const mounts = await openMounts(this.#volumes, order);
      if (mounts.length > 0) opened.set(name, mounts);
    }
    return opened;
  }
}

/**
 * Finds the volumes of mounts, and makes those that are missing and to be made.
 *
 * @throws NotFoundError for one that does not exist otherwise.
 */
export async function openMounts(volumes: Directory, order: MountOrder): Promise<VolumeMount[]> {
  const opened: VolumeMount[] = [];
  for (const mount of order.mounts) {
    const environment = mount.environment ?? order.environment;
    const found = mount.createIfMissing
      ? await volumes.create(environment, mount.name, { mustBeNew: false })
      : await find(volumes, { ...mount, environment }, order.subject);
    opened.push({ ...mount, environment: found.environment, volumeId: found.id });
  }
  return opened;
}

async function find(
  volumes: Directory,
  { environment, name, path }: VolumeMountSpec & { environment: string },
  subject: string,
): Promise<VolumeRecord> {
  try {
    return await volumes.find(environment, name);
  } catch (error) {
    if (!isGantryError(error) || error.code !== 'NOT_FOUND') throw error;
    throw new NotFoundError(`${subject} has a volume at "${path}": ${error.message}`, { hint: error.hint });
  }
}

import {
  type FunctionSpec,
  isGantryError,
  type Manifest,
  NotFoundError,
  type VolumeMount,
  type VolumeMountSpec,
} from '@gantry/protocol';
import type { VolumeDirectory } from '@gantry/volumes';

/** What a deploy says about volumes. */
export interface VolumeOrder {
  manifest: Pick<Manifest, 'functions'>;
  environment: string;
}

/** The volumes that the functions of one deploy have. */
export class DeployedVolumes {
  readonly #volumes: Pick<VolumeDirectory, 'create' | 'find'>;

  constructor(volumes: Pick<VolumeDirectory, 'create' | 'find'>) {
    this.#volumes = volumes;
  }

  /** @throws NotFoundError for a volume that does not exist, and is not to be made. */
  async check(order: VolumeOrder): Promise<void> {
    for (const spec of order.manifest.functions) {
      for (const mount of mountsOf(spec)) if (!mount.createIfMissing) await this.#find(order, spec, mount);
    }
  }

  /** Makes those that are missing; resolves to the mounts of each function that has some, by its name. */
  async open(order: VolumeOrder): Promise<Map<string, VolumeMount[]>> {
    const opened = new Map<string, VolumeMount[]>();
    for (const spec of order.manifest.functions) {
      const mounts: VolumeMount[] = [];
      for (const mount of mountsOf(spec)) {
        const environment = mount.environment ?? order.environment;
        const { id } = mount.createIfMissing
          ? await this.#volumes.create(environment, mount.name, { mustBeNew: false })
          : await this.#find(order, spec, mount);
        mounts.push({ ...mount, environment, volumeId: id });
      }
      if (mounts.length > 0) opened.set(spec.name, mounts);
    }
    return opened;
  }

  async #find(order: VolumeOrder, { name }: FunctionSpec, mount: VolumeMountSpec): Promise<{ id: string }> {
    try {
      return await this.#volumes.find(mount.environment ?? order.environment, mount.name);
    } catch (error) {
      if (!isGantryError(error) || error.code !== 'NOT_FOUND') throw error;
      throw new NotFoundError(`"${name}" has a volume at "${mount.path}": ${error.message}`, {
        hint: error.hint,
      });
    }
  }
}

function mountsOf({ options }: FunctionSpec): readonly VolumeMountSpec[] {
  return options.volumes ?? [];
}

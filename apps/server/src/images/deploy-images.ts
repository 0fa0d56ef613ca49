import type { Messaging } from '@gantry/messaging';
import {
  type BuiltImages,
  type ImageBuildEvent,
  type ImageRecord,
  type ImageSummary,
  InvalidError,
  type Manifest,
  NotFoundError,
  registryKeys,
} from '@gantry/protocol';

import type { DeployedSecrets, SecretOrder } from '../deploy/deployed-secrets.ts';
import type { WorkerObserver } from '../worker-observer.ts';
import type { ImageBuilds } from './image-builds.ts';

export interface DeployImagesOptions {
  registry: Pick<Messaging['registry'], 'get'>;
  secrets: Pick<DeployedSecrets, 'open'>;
  workers: Pick<WorkerObserver, 'statuses'>;
  builds: Pick<ImageBuilds, 'build'>;
}

/** What a deploy says about images. */
export interface ImagesOfDeploy extends SecretOrder {
  manifest: Pick<Manifest, 'functions' | 'images' | 'bundle' | 'packages'>;
  images?: BuiltImages | undefined;
  forceBuild?: boolean | undefined;
  ignoreCache?: boolean | undefined;
}

export interface BuildWatch {
  signal?: AbortSignal | undefined;
  onEvent?: ((event: ImageBuildEvent) => void) | undefined;
}

/** The images of one deploy: built already, or built now. */
export class DeployImages {
  readonly #options: DeployImagesOptions;

  constructor(options: DeployImagesOptions) {
    this.#options = options;
  }

  /**
   * Resolves with undefined where no worker's containers have a file system of their own.
   *
   * @throws BuildError and GantryTimeoutError that name a step, NotFoundError for images that are gone.
   */
  async resolve(order: ImagesOfDeploy, watch: BuildWatch = {}): Promise<BuiltImages | undefined> {
    const { builds, secrets, workers } = this.#options;
    const { manifest, environment, images, forceBuild, ignoreCache } = order;
    if (!workers.statuses().some(({ driver }) => driver?.images)) return undefined;
    if (images) return await this.#assertBuilt(manifest, images);
    const openSecrets: Parameters<typeof builds.build>[0]['openSecrets'] = (refs) =>
      secrets.open(order, refs);
    return await builds.build({ manifest, environment, forceBuild, ignoreCache, openSecrets, ...watch });
  }

  /** @throws NotFoundError if there is no image of the id. */
  async find(id: string): Promise<ImageSummary> {
    const kept = /^im-[0-9A-Za-z]{22}$/.test(id)
      ? await this.#options.registry.get<ImageRecord>(registryKeys.image(id))
      : undefined;
    if (kept) return { id, builtAtMs: kept.value.builtAtMs };
    throw new NotFoundError(`the image "${id}" does not exist`, {
      hint: 'Take an id that a deploy to this platform has shown.',
    });
  }

  async #assertBuilt(manifest: SecretOrder['manifest'], images: BuiltImages): Promise<BuiltImages> {
    if (images.ids.length !== (manifest.images?.length ?? 0)) {
      throw new InvalidError('the deploy names other images than its manifest has', {
        hint: 'Deploy with the "gantry" command of the server\'s version.',
      });
    }
    for (const id of images.ids) {
      if (await this.#options.registry.get(registryKeys.image(id))) continue;
      throw new NotFoundError(`the image "${id}" does not exist`, {
        hint: 'Deploy the app again from its sources.',
      });
    }
    return images;
  }
}

import type { ImageBuilder, LocalGpu, RegistryCredentials, StepCode } from '@gantry/containers';
import {
  applyConfig,
  canonical,
  imageId,
  type ImageState,
  type LayerStep,
  type LayerWork,
  planImage,
  type PlannedSpec,
  stepKey,
} from '@gantry/images';
import type { Messaging } from '@gantry/messaging';
import {
  BuildError,
  type BuiltImages,
  GantryError,
  GantryTimeoutError,
  type ImageBuildEvent,
  type ImageRecord,
  type ImageSpec,
  type Manifest,
  NotFoundError,
  registryKeys,
  type SecretRef,
  type SecretValues,
  type SourceSite,
  type StepRecord,
  type VolumeMount,
} from '@gantry/protocol';

import type { BuilderChoice } from './builder-choice.ts';
import { registryCredentials } from './registry-credentials.ts';
import { SharedWork } from './shared-work.ts';
import type { OpenStepStorage, StepStorage } from './step-storage.ts';
import { chooseStepGpus } from './step-gpus.ts';
import { assertTokens, withoutSecrets } from './step-secrets.ts';
import { withLease } from './step-lease.ts';

export interface ImageBuildsOptions {
  messaging: {
    registry: Pick<Messaging['registry'], 'get' | 'put' | 'create'>;
    leases: Pick<Messaging['leases'], 'acquire' | 'renew' | 'release'>;
  };
  serverId: string;
  builder: Pick<ImageBuilder, 'build' | 'makeAhead' | 'close'>;
  storage: Pick<StepStorage, 'find' | 'open' | 'close'>;
  /** What images begin with. */
  chosen: Pick<BuilderChoice, 'settle' | 'look'>;
  /** Those of the machine that builds. */
  findGpus: () => Promise<readonly LocalGpu[]>;
}

/** The images of one deploy. */
export interface ImageOrder {
  manifest: Pick<Manifest, 'images' | 'bundle' | 'packages'>;
  /** Where volumes are that do not name theirs. */
  environment: string;
  /** Take nothing from earlier builds, and keep what comes out for later ones. */
  forceBuild?: boolean | undefined;
  /** Take nothing from earlier builds, and leave what is kept as it is. */
  ignoreCache?: boolean | undefined;
  /** Values of secrets that a step names. */
  openSecrets(refs: readonly SecretRef[]): Promise<SecretValues>;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: ImageBuildEvent) => void) | undefined;
}

/**
 * Builds what is missing of the images that a deploy needs.
 *
 * Invariants
 *   B1. A step is built by one server at a time, and once for all deploys that come to it meanwhile.
 *   B2. A record of a step or an image is written when all its layers are in the blob store.
 *   B3. What a step wrote to volumes is in them when it has a record; it is not if the step failed, but for its own commits.
 *   B4. A build that fails, or that nobody waits for any more, writes no record but those of the steps before.
 */
export class ImageBuilds {
  readonly #options: ImageBuildsOptions;
  readonly #shared = new SharedWork<ImageState>();

  constructor(options: ImageBuildsOptions) {
    this.#options = options;
  }

  /** @throws BuildError or GantryTimeoutError that names the step, with `lastLines` in its details. */
  async build(order: ImageOrder): Promise<BuiltImages> {
    const ids: string[] = [];
    for (const [index, spec] of (order.manifest.images ?? []).entries()) {
      ids.push(await this.#buildImage(index, spec, order));
    }
    return { ids };
  }

  /**
   * Makes what images of Debian begin with, if this machine does not have it. Builds that come meanwhile wait for it.
   *
   * @returns Whether there was something to do.
   * @throws BuildError where it cannot be made.
   */
  async makeBasesAhead(signal: AbortSignal): Promise<boolean> {
    const { chosen, builder } = this.#options;
    const { nodeVersion, suite } = await chosen.look();
    const { steps } = planImage({ steps: [{ type: 'debian' }] }, { nodeVersion, debianSuite: suite });
    let isNew = false;
    for (const step of steps) {
      if (step.kind !== 'layer' || (step.work.type !== 'debian' && step.work.type !== 'node')) continue;
      isNew = (await builder.makeAhead(step.work, { signal })) || isNew;
    }
    return isNew;
  }

  /** Call it when no build is under way. */
  async close(): Promise<void> {
    await this.#options.storage.close();
    await this.#options.builder.close();
  }

  async #buildImage(
    image: number,
    spec: PlannedSpec & Partial<Pick<ImageSpec, 'sites'>>,
    order: ImageOrder,
  ): Promise<string> {
    const { nodeVersion, suite } = await this.#options.chosen.settle();
    const { forceBuild } = order;
    const { steps } = planImage(spec, { nodeVersion, debianSuite: suite, forceBuild });
    let state: ImageState | undefined;
    for (const step of steps) {
      order.signal?.throwIfAborted();
      const site = spec.sites?.[step.written];
      if (step.kind === 'layer') state = await this.#step(step, state, { order, image, site });
      else if (step.kind === 'kept') state = await this.#kept(step.id, site);
      else if (state) state = { ...state, config: applyConfig(state.config, step.change) };
    }
    if (!state) throw new BuildError('an image needs a base');
    const id = await imageId(state);
    const record: ImageRecord = {
      id,
      layers: [...state.layers],
      config: state.config,
      builtAtMs: Date.now(),
    };
    await this.#options.messaging.registry.create(registryKeys.image(id), record);
    return id;
  }

  async #kept(id: string, site: SourceSite | undefined): Promise<ImageState> {
    const kept = await this.#options.messaging.registry.get<ImageRecord>(registryKeys.image(id));
    if (kept) return kept.value;
    throw new NotFoundError(`the image "${id}"${placeOf(site)} does not exist`, {
      hint: 'Take an id that a deploy to this platform has shown, or write the steps of the image.',
    });
  }

  async #step(step: LayerStep, below: ImageState | undefined, around: StepContext): Promise<ImageState> {
    const { order, image, site } = around;
    const { title } = step;
    const volumes = await this.#volumesOf(step, order);
    // A volume that is another one, under its old name or in another environment, has not what the step has written.
    const ids = volumes.map(({ volumeId }) => volumeId);
    const definition = ids.length > 0 ? canonical([step.definition, ids]) : step.definition;
    const key = await stepKey(below, definition);
    const isFresh = step.forceBuild || order.ignoreCache === true;
    const kept = isFresh ? undefined : await this.#find(key, 0);
    if (kept) {
      order.onEvent?.({ type: 'stepCached', image, title });
      return kept;
    }
    order.onEvent?.({ type: 'step', image, title });
    const startedAtMs = performance.now();
    const onLine = (text: string) => order.onEvent?.({ type: 'output', text });
    const wanted = { below, volumes, order, onLine };
    const state = await this.#build(key, step, wanted).catch((error: unknown) => {
      throw namedAfter(step, site, error);
    });
    order.onEvent?.({ type: 'stepDone', title, durationMs: Math.round(performance.now() - startedAtMs) });
    return state;
  }

  async #build(
    key: string,
    step: LayerStep,
    { below, volumes, order, onLine }: WantedStep,
  ): Promise<ImageState> {
    const { messaging, serverId } = this.#options;
    const isKept = order.ignoreCache !== true;
    const sinceMs = Date.now();
    const name = isKept ? key : `${key} anew`;
    return await this.#shared.join(name, { signal: order.signal, onLine }, async (together) => {
      const build = async () => {
        const gpus =
          step.gpu === undefined ? undefined : chooseStepGpus(step.gpu, await this.#options.findGpus());
        const secrets = await order.openSecrets(step.secrets);
        assertTokens(step, secrets);
        const credentials = await this.#credentials(step.work, order);
        const { timeoutMs } = step;
        const code = codeOf(order.manifest);
        const bases = !isKept ? 'leave' : step.forceBuild ? 'replace' : 'take';
        await using storage = await this.#openStorage(step.work, volumes, order);
        const { mounts } = storage ?? {};
        const hidden = { ...secrets, ...(credentials && { password: credentials.password }) };
        const state = await withoutSecrets(hidden, together, (watch) =>
          this.#options.builder.build(step.work, {
            ...{ below, secrets, gpus, credentials, code, bases, timeoutMs, mounts },
            ...watch,
          }),
        );
        await storage?.commit();
        if (isKept) await this.#keep(key, state);
        return state;
      };
      if (!isKept) return await build();
      const lease = { leases: messaging.leases, holder: serverId, signal: together.signal };
      const find = () => this.#find(key, step.forceBuild ? sinceMs : 0);
      return await withLease(`imageStep.${key}`, lease, { find, build });
    });
  }

  async #volumesOf({ work }: LayerStep, { environment }: ImageOrder): Promise<VolumeMount[]> {
    return work.type === 'function' ? await this.#options.storage.find(work.step, environment) : [];
  }

  /** Undefined for a step that has none. */
  async #openStorage(
    work: LayerWork,
    volumes: readonly VolumeMount[],
    order: ImageOrder,
  ): Promise<OpenStepStorage | undefined> {
    const hasSome = work.type === 'function' && (work.step.volumes ?? work.step.buckets) !== undefined;
    return hasSome ? await this.#options.storage.open(work.step, volumes, order) : undefined;
  }

  async #credentials(work: LayerWork, order: ImageOrder): Promise<RegistryCredentials | undefined> {
    if (work.type !== 'pull' || !work.credentials) return undefined;
    const { kind, secret } = work.credentials;
    return await registryCredentials(kind, await order.openSecrets([secret]));
  }

  async #find(key: string, sinceMs: number): Promise<ImageState | undefined> {
    const kept = await this.#options.messaging.registry.get<StepRecord>(registryKeys.imageStep(key));
    return kept && kept.value.builtAtMs >= sinceMs ? kept.value : undefined;
  }

  async #keep(key: string, { layers, config }: ImageState): Promise<void> {
    const record: StepRecord = { layers: [...layers], config, builtAtMs: Date.now() };
    await this.#options.messaging.registry.put(registryKeys.imageStep(key), record);
  }
}

function codeOf({ bundle, packages }: ImageOrder['manifest']): StepCode {
  return { bundle: bundle.digest, packages: packages?.digest };
}

interface WantedStep {
  below: ImageState | undefined;
  volumes: readonly VolumeMount[];
  order: ImageOrder;
  onLine(line: string): void;
}

interface StepContext {
  order: ImageOrder;
  image: number;
  site: SourceSite | undefined;
}

function placeOf(site: SourceSite | undefined): string {
  return site ? ` (${site.file}:${site.line})` : '';
}

function namedAfter(step: LayerStep, site: SourceSite | undefined, error: unknown): unknown {
  const { title } = step;
  if (!(error instanceof GantryError)) return error;
  const message = `the image step "${title}"${placeOf(site)} failed: ${error.message}`;
  const { details } = error;
  if (error instanceof GantryTimeoutError) {
    return new GantryTimeoutError(message, { details, cause: error, hint: 'Do less in one step.' });
  }
  if (!(error instanceof BuildError)) return error;
  const hint =
    error.hint ??
    step.hint ??
    'Its last lines say why. Change the step, and deploy again: the steps before it are kept.';
  return new BuildError(message, { details, cause: error, hint });
}

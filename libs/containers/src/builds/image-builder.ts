import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import {
  BUILDER_VERSION,
  canonical,
  dockerfileOn,
  type ImageState,
  type LayerWork,
  OWN_NODE,
  resolvePath,
  saysOwnNode,
  STEP_CACHES,
  STEP_FILES,
  withoutHeredocs,
} from '@gantry/images';
import {
  BuildError,
  type FileRef,
  type FunctionStep,
  IMAGE_FUNCTION_FLAG,
  type ImageConfig,
  type ImageLayer,
} from '@gantry/protocol';

import type { GpuSources } from '../gpus/gpu-access.ts';
import type { LocalGpu } from '../gpus/local-gpus.ts';
import { BaseLayers, machineCacheFolder } from './base-layers.ts';
import { type Base, BaseMaker, type BaseUse } from './base-maker.ts';
import { Buildah } from './buildah.ts';
import { BuildStorage } from './build-storage.ts';
import { debianRoot, debianSources } from './debian-root.ts';
import type { LayerStore } from './layer-store.ts';
import { nodeTree } from './node-tree.ts';
import { type LayoutImage, ociArchitecture, type OciProcessConfig, storeLayers } from './oci-layout.ts';
import { platformSurroundings } from './platform-surroundings.ts';
import { stepGpus } from './step-gpus.ts';
import { openStepNetwork, STEP_DNS } from './step-network.ts';
import { type StepSurroundings, writeStepRuntime } from './step-runtime.ts';
import { runTool, type ToolOptions } from './tool-process.ts';

export interface ImageBuilderOptions {
  /** For what is under way, and for images that builds go on from. All of it can be made again. */
  folder: string;
  store: LayerStore;
  /** The runner program, for steps that run functions; what is beside it is visible to them. @defaultValue none can run */
  runnerPath?: string | undefined;
  /** @defaultValue that of this process */
  env?: NodeJS.ProcessEnv | undefined;
  /** How much may be kept to save time. @defaultValue 20 GiB */
  keepBytes?: number | undefined;
  /** What all platforms of this machine keep together; none of it is needed. @defaultValue see {@link machineCacheFolder} */
  machineCache?: string | undefined;
  /** Where to find what GPUs need. @defaultValue the machine's own */
  gpuSources?: GpuSources | undefined;
}

export interface BuildStepOptions {
  /** What the step goes on from; undefined for a base. */
  below?: ImageState | undefined;
  /** In the environment while the step runs. */
  secrets?: Readonly<Record<string, string>> | undefined;
  /** GPUs of this machine that the step gets, beside whatever else uses them. */
  gpus?: readonly LocalGpu[] | undefined;
  /** Where a function of the app that the step runs has its code. */
  code?: StepCode | undefined;
  /** What such a function has beside its image; a target that is not absolute begins in the working directory. */
  mounts?: StepSurroundings['mounts'] | undefined;
  /** For a base that comes from a registry. */
  credentials?: RegistryCredentials | undefined;
  /** What of a base this machine has from earlier builds: to be taken, to be replaced, or left alone. @defaultValue 'take' */
  bases?: BaseUse | undefined;
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Told each line that the step prints. */
  onLine?: ((line: string) => void) | undefined;
}

/** Digests of what a function needs to run. */
export interface StepCode {
  bundle: string;
  /** npm packages that could not be bundled, as an archive with a `node_modules` folder. */
  packages?: string | undefined;
}

export interface RegistryCredentials {
  username: string;
  password: string;
}

/** What a container is to run, and what it sees meanwhile. */
interface StepProgram {
  words: readonly string[];
  files?: FileRef | undefined;
  mounts?: StepSurroundings['mounts'] | undefined;
}

/** What images begin with, if from no registry. */
type BaseWork = Extract<LayerWork, { type: 'debian' | 'node' }>;

const DEFAULT_CONFIG: ImageConfig = {
  env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
};
const NOTHING: StepSurroundings = { env: {}, mounts: [] };
const DEFAULT_SHELL = ['/bin/sh', '-c'];
const DEFAULT_KEEP_BYTES = 20 * 1024 ** 3;
const PLATFORM = '/dev/gantry/platform';
/** Package managers ask nothing, and keep what they have downloaded out of the layer. */
const STEP_ENV = {
  DEBIAN_FRONTEND: 'noninteractive',
  npm_config_audit: 'false',
  npm_config_cache: `${STEP_CACHES}/npm`,
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
  PIP_CACHE_DIR: `${STEP_CACHES}/pip`,
};

/**
 * Carries out single build steps, with buildah. One step is one layer, kept in the layer store as soon as it is there;
 * what buildah keeps beside it only saves time.
 *
 * Steps run as root of a container (runc, with namespaces of its own and the capabilities of a Docker build), and
 * reach the network but nothing that listens on this machine alone.
 */
export class ImageBuilder {
  readonly #options: ImageBuilderOptions;
  readonly #buildah: Buildah;
  readonly #surroundings: StepSurroundings;
  readonly #storage: BuildStorage;
  readonly #bases: BaseMaker;

  constructor(options: ImageBuilderOptions) {
    this.#options = options;
    const folder = join(options.folder, 'storage');
    this.#buildah = new Buildah({ folder, store: options.store });
    this.#storage = new BuildStorage({
      folder,
      stepsFolder: join(options.folder, 'steps'),
      limitBytes: options.keepBytes ?? DEFAULT_KEEP_BYTES,
      empty: () => this.#buildah.empty(),
    });
    const env = options.env ?? process.env;
    this.#surroundings = platformSurroundings(env);
    const kept = new BaseLayers(join(options.machineCache ?? machineCacheFolder(env), 'bases'));
    this.#bases = new BaseMaker(options.store, kept);
  }

  /**
   * Carries out a step; its layers are in the store when this resolves.
   *
   * @throws BuildError with `lastLines` in its details, GantryTimeoutError, or the reason of the signal.
   */
  build(work: LayerWork, options: BuildStepOptions): Promise<ImageState> {
    return this.#storage.use((folder) => this.#build(work, options, folder));
  }

  /**
   * Makes what images begin with, without hurry, for builds to come. False if there was nothing to do.
   *
   * @throws BuildError where it cannot be made, or the reason of the signal.
   */
  makeAhead(work: BaseWork, { signal }: { signal: AbortSignal }): Promise<boolean> {
    return this.#storage.use(async (folder) => {
      const base = await baseOf(work, folder, { signal, isIdle: true });
      return await this.#bases.makeAhead(base, folder);
    });
  }

  /** Call it when no build is under way. */
  async close(): Promise<void> {
    await this.#storage.close();
    await this.#buildah.close();
  }

  async #build(work: LayerWork, options: BuildStepOptions, folder: string): Promise<ImageState> {
    const { below, signal, onLine, timeoutMs } = options;
    const tool = { signal, onLine, timeoutMs };
    const config = below?.config ?? DEFAULT_CONFIG;
    const known = below?.layers ?? [];
    switch (work.type) {
      case 'debian':
      case 'node': {
        const base = await baseOf(work, folder, tool);
        const layer = await this.#bases.layer(base, { use: options.bases ?? 'take', folder });
        return { layers: [...known, layer], config };
      }
      case 'pull': {
        const image = await this.#buildah.pull(work.reference, {
          ...tool,
          folder,
          credentials: options.credentials,
        });
        return this.#keep(image, []);
      }
      case 'dockerfile': {
        const image = await this.#dockerfile(work, options, folder);
        return this.#keep(image, work.isWhole ? [] : known);
      }
      case 'run': {
        const words = commandWords(work.commands, config.shell ?? DEFAULT_SHELL);
        const layers = await this.#runStep({ words, files: work.files }, options, folder);
        return { layers, config };
      }
      case 'copy':
        return { layers: await this.#copy(work, options, folder), config };
      case 'function':
        return { layers: await this.#function(work.step, options, folder), config };
    }
  }

  async #function(step: FunctionStep, options: BuildStepOptions, folder: string): Promise<ImageLayer[]> {
    const { runnerPath } = this.#options;
    if (runnerPath === undefined || !options.code) {
      throw new BuildError('this server cannot run functions while it builds an image', {
        hint: 'Start it with "gantry up" or "gantry server", which bring the runner.',
      });
    }
    const code = join(folder, 'code');
    await mkdir(code);
    const { bundle, packages } = options.code;
    await pipeline(await this.#options.store.get(bundle), createWriteStream(join(code, 'bundle.mjs')));
    if (packages) await unpackArchive(await this.#fetch({ digest: packages }, folder), code);
    const config = options.below?.config ?? DEFAULT_CONFIG;
    const mounts = [
      { source: process.execPath, target: `${PLATFORM}/node` },
      { source: dirname(runnerPath), target: `${PLATFORM}/runner` },
      { source: code, target: `${PLATFORM}/code` },
      ...(options.mounts ?? []).map((mount) => ({ ...mount, target: resolvePath(config, mount.target) })),
    ];
    const program = [...nodeWords(config), `${PLATFORM}/runner/${basename(runnerPath)}`];
    const words = [...program, IMAGE_FUNCTION_FLAG, `${PLATFORM}/code/bundle.mjs`, step.name, step.args];
    return await this.#runStep({ words, mounts }, options, folder);
  }

  async #runStep(
    { words, files, mounts }: StepProgram,
    options: BuildStepOptions,
    folder: string,
  ): Promise<ImageLayer[]> {
    const { below = { layers: [], config: DEFAULT_CONFIG }, signal, onLine, timeoutMs } = options;
    const runtime = await this.#runtime(below.config, options, { folder, files, mounts });
    await using network = await openStepNetwork();
    const base = await this.#buildah.imageOf(below.layers, { signal, folder });
    await using container = await this.#buildah.container(base, { dns: STEP_DNS });
    await container.run(words, {
      ...{ runtime, network: network.path, workdir: below.config.workdir ?? '/root' },
      ...{ signal, onLine, timeoutMs },
    });
    const image = await container.commit({ folder, known: below.layers, signal });
    return storeLayers(image, below.layers, this.#options.store);
  }

  async #copy(
    { archive, remotePath }: { archive: FileRef; remotePath: string },
    { below, signal }: BuildStepOptions,
    folder: string,
  ): Promise<ImageLayer[]> {
    const known = below?.layers ?? [];
    const path = await this.#fetch(archive, folder);
    const base = await this.#buildah.imageOf(known, { signal, folder });
    await using container = await this.#buildah.container(base, {});
    const target = resolvePath(below?.config ?? DEFAULT_CONFIG, remotePath);
    await container.add(path, target, { signal });
    return storeLayers(await container.commit({ folder, known, signal }), known, this.#options.store);
  }

  async #dockerfile(
    { text, context, isWhole }: Extract<LayerWork, { type: 'dockerfile' }>,
    options: BuildStepOptions,
    folder: string,
  ): Promise<LayoutImage> {
    const { below = { layers: [], config: DEFAULT_CONFIG }, signal, onLine, timeoutMs } = options;
    const known = isWhole ? [] : below.layers;
    const contextFolder = join(folder, 'context');
    await mkdir(contextFolder);
    if (context) await unpackArchive(await this.#fetch(context, folder), contextFolder, signal);
    const whole = isWhole
      ? { text, args: {} }
      : dockerfileOn(await this.#buildah.imageOf(known, { signal, folder }), below.config, text);
    const dockerfile = join(folder, 'Dockerfile');
    await writePlain(withoutHeredocs(whole.text), dockerfile, contextFolder);
    const runtime = await this.#runtime({ env: {} }, options, { folder });
    await using network = await openStepNetwork();
    return await this.#buildah.buildDockerfile(
      { dockerfile, args: whole.args, context: contextFolder, runtime, network: network.path, dns: STEP_DNS },
      { folder, known, signal, onLine, timeoutMs },
    );
  }

  /** What stands in for runc: with what the image says and the platform adds, and the secrets of the step. */
  async #runtime(
    config: ImageConfig,
    { secrets, gpus = [] }: BuildStepOptions,
    { folder, files, mounts: programs = [] }: Omit<StepProgram, 'words'> & { folder: string },
  ): Promise<string> {
    const caches = join(folder, 'caches');
    await mkdir(caches);
    const mounts: StepSurroundings['mounts'][number][] = [
      ...this.#surroundings.mounts,
      ...programs,
      { source: caches, target: STEP_CACHES, writable: true },
    ];
    if (files) {
      const source = join(folder, 'files');
      await mkdir(source);
      await unpackArchive(await this.#fetch(files, folder), source);
      mounts.push({ source, target: STEP_FILES });
    }
    const env = { ...this.#surroundings.env, ...STEP_ENV, ...config.env, ...secrets };
    const own = gpus.length === 0 ? NOTHING : stepGpus(gpus, env, this.#options.gpuSources);
    return await writeStepRuntime(join(folder, 'runtime'), {
      env: { ...env, ...own.env },
      mounts: [...mounts, ...own.mounts],
      devices: own.devices,
    });
  }

  async #keep(image: LayoutImage, known: readonly ImageLayer[]): Promise<ImageState> {
    if (image.architecture !== ociArchitecture()) {
      throw new BuildError(`the image is for ${image.architecture}, this machine is ${ociArchitecture()}`, {
        hint: 'Take an image that exists for this kind of machine.',
      });
    }
    const layers = await storeLayers(image, known, this.#options.store);
    return { layers, config: readConfig(image.config) };
  }

  async #fetch({ digest }: Pick<FileRef, 'digest'>, folder: string): Promise<string> {
    const path = join(folder, `${digest}.tar.gz`);
    await pipeline(await this.#options.store.get(digest), createWriteStream(path));
    return path;
  }
}

async function baseOf(work: BaseWork, folder: string, tool: ToolOptions): Promise<Base> {
  if (work.type === 'node') {
    const definition = canonical([BUILDER_VERSION, work, ociArchitecture()]);
    return { definition, make: (use) => nodeTree(work.version, join(folder, 'node'), { ...tool, use }) };
  }
  const definition = canonical([BUILDER_VERSION, work, ociArchitecture(), await debianSources(work.suite)]);
  return { definition, make: (use) => debianRoot(work, { ...tool, folder, use }) };
}

/** One container for all commands, and a shell of its own for each of them. */
function commandWords(commands: readonly string[], shell: readonly string[]): string[] {
  if (commands.length === 1) return [...shell, ...commands];
  const words = shell.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return ['/bin/sh', '-c', `for command; do ${words} "$command" || exit; done`, 'sh', ...commands];
}

function readConfig({ Env, WorkingDir, Entrypoint, Cmd, Shell }: OciProcessConfig): ImageConfig {
  const env = (Env ?? []).map((entry) => {
    const [name = '', ...value] = entry.split('=');
    return [name, value.join('=')];
  });
  return {
    env: { ...DEFAULT_CONFIG.env, ...(Object.fromEntries(env) as Record<string, string>) },
    workdir: WorkingDir && WorkingDir !== '/' ? WorkingDir : undefined,
    entrypoint: Entrypoint?.length ? Entrypoint : undefined,
    cmd: Cmd?.length ? Cmd : undefined,
    shell: Shell?.length ? Shell : undefined,
  };
}

async function writePlain(
  { text, files }: ReturnType<typeof withoutHeredocs>,
  dockerfile: string,
  context: string,
): Promise<void> {
  await writeFile(dockerfile, text);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await writeFile(join(context, path), content);
  }
}

async function unpackArchive(path: string, folder: string, signal?: AbortSignal): Promise<void> {
  await runTool('tar', ['-C', folder, '--no-same-owner', '-xzf', path], { signal });
}

/** The Node of the image, where functions run in it; where it says so, but has none, the platform's. */
function nodeWords({ env }: ImageConfig): string[] {
  if (!saysOwnNode(env)) return [`${PLATFORM}/node`];
  const script = `[ ! -x ${OWN_NODE} ] || exec ${OWN_NODE} "$@"; exec ${PLATFORM}/node "$@"`;
  return ['/bin/sh', '-c', script, 'sh'];
}

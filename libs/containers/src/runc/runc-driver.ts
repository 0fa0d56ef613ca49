import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { COMPILE_FLAG, ContainerError, STARTED_AHEAD_FLAG } from '@gantry/protocol';

import type {
  Container,
  ContainerDriver,
  ContainerMount,
  DriverCapabilities,
  StartOptions,
} from '../container-driver.ts';
import { hasTunnels, writeHosts } from '../private/private-link.ts';
import { deviceRules, type GpuSources } from '../gpus/gpu-access.ts';
import {
  endLeftContainers,
  filesOf,
  recordsFolder,
  removeFolders,
  type LeftContainer,
} from '../left-containers.ts';
import { OwnedRecords } from '../owned-records.ts';
import { processIdentity } from '../process-identity.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { WarmKinds } from '../warm-kinds.ts';
import { WarmProcesses } from '../warm-processes.ts';
import { type ContainerPlan, planContainer } from './container-plan.ts';
import { ContainerCgroup } from './cgroups.ts';
import { CompiledBundles, type CompileJob } from './compiled-bundles.ts';
import { CompiledCode } from './compiled-code.ts';
import { closeDriverParts, makeDriverParts, type DriverParts } from './driver-parts.ts';
import { LateMounts, prepareLateMounts } from './late-mounts.ts';
import { launch } from './launch.ts';
import { prepareNetwork } from './network.ts';
import { ociConfig } from './oci-config.ts';
import { OciRuntime } from './oci-runtime.ts';
import { ROOT_MOUNT_POINT } from './places.ts';
import { defaultRuntime, findProgram } from './requirements.ts';
import { RuncContainer } from './runc-container.ts';
import { Starter } from './starter.ts';

export interface RuncDriverOptions {
  /** Folder for containers, records and the runtime's state. One per worker. */
  dataDir: string;
  /** The runner program, a module; its whole folder is visible in containers. */
  runnerPath: string;
  /** Node for containers whose image has none. @defaultValue the Node that runs the worker */
  nodePath?: string | undefined;
  /** Flags for Node, before the runner's path. */
  nodeFlags?: readonly string[] | undefined;
  /** How many containers to start ahead of need, with a network: without an image, and of each kind started lately. @defaultValue 0 */
  prewarm?: number | undefined;
  /** The limit of disk of those without an image. @defaultValue none */
  prewarmDiskMiB?: number | undefined;
  /** Environment of every container. */
  env?: Readonly<Record<string, string>> | undefined;
  /** An OCI runtime: a name on PATH, or a path. @defaultValue crun where it is, else runc */
  ociRuntime?: string | undefined;
  /** Where to find what GPUs need. @defaultValue the machine's own */
  gpuSources?: GpuSources | undefined;
}

/** Of a container that is started for nobody yet. */
interface Ahead {
  name: string;
  /** What the runner is told. */
  words: readonly string[];
  /** Given what it has written, when it has ended well. */
  onEnd?: (upper: string) => void;
}

/** What is settled of a container when it starts, beside what all have. */
interface Kind {
  root: StartOptions['root'];
  extraLayers: StartOptions['extraLayers'];
  diskMiB: number | undefined;
}

/** Started ahead of need, the runner loads what only some functions need a second after its start. */
const COMPILE_MS = 1_800;
/** A module that takes longer is not worth waiting for. */
const MOST_COMPILE_MS = 60_000;
const COMPILE_MEMORY_MIB = 2048;

/**
 * Containers of an OCI runtime: namespaces, cgroup limits, a root of their own. Needs Linux and root; see
 * {@link runcProblem}.
 *
 * @example
 * ```ts
 * const driver = new RuncDriver({ dataDir: '/var/lib/gantry/worker', runnerPath: '/opt/gantry/runner.cjs' });
 * const container = await driver.start({ id: newId('ta'), limits: { memoryMiB: 512 }, network: 'none' });
 * ```
 */
export class RuncDriver implements ContainerDriver {
  readonly capabilities: DriverCapabilities = {
    name: 'runc',
    isolation: true,
    resourceLimits: !isRootless(),
    images: true,
    snapshots: false,
    prewarming: true,
    lateMounts: true,
    privateNetwork: hasTunnels() ? 'region' : undefined,
  };
  readonly #options: RuncDriverOptions;
  readonly #parts: DriverParts;
  readonly #records: OwnedRecords<LeftContainer>;
  readonly #starter: Starter;
  readonly #runtime: OciRuntime;
  readonly #cache: CompiledCode;
  readonly #bundles: CompiledBundles;
  readonly #warm: WarmProcesses<RuncContainer>;
  /** Those with an image, or another disk. */
  readonly #warmKinds: WarmKinds<Kind, RuncContainer>;
  readonly #launching = new Set<Promise<unknown>>();
  #isClosed = false;
  readonly #running = new Map<RuncContainer, Promise<void>>();

  /** @throws ContainerError if this machine counts the memory of no groups. */
  constructor(options: RuncDriverOptions) {
    this.#options = options;
    const { dataDir, prewarm: count = 0, prewarmDiskMiB: diskMiB } = options;
    this.#parts = makeDriverParts(dataDir);
    this.#starter = new Starter(this.#parts.memory);
    const runtime = options.ociRuntime ?? defaultRuntime();
    const stateFolder = join(this.#parts.memory, 'runtime');
    this.#runtime = new OciRuntime(findProgram(runtime) ?? runtime, stateFolder, this.#parts.cgroups);
    mkdirSync(stateFolder);
    this.#records = new OwnedRecords(recordsFolder(dataDir, 'runc'));
    mkdirSync(join(dataDir, 'runc'), { recursive: true });
    this.#cache = new CompiledCode(join(dataDir, 'roots', 'compiled'), options.runnerPath);
    this.#bundles = new CompiledBundles(join(dataDir, 'roots', 'compiled-bundles'), (job) =>
      this.#compile(job),
    );
    const plain: Kind = { root: undefined, extraLayers: undefined, diskMiB };
    this.#warm = new WarmProcesses({ count, spawn: () => this.#launchAhead(plain) });
    this.#warmKinds = new WarmKinds({ count, spawn: (kind) => this.#launchAhead(kind) });
    prepareLateMounts();
    if (count > 0) void this.#compileRunner().finally(() => this.#warm.refill());
  }

  async start(options: StartOptions): Promise<Container> {
    this.#bundles.compileLater(options);
    const warm = this.#takeWarm(options);
    if (!warm) return this.#launch(options);
    try {
      return await this.#hand(warm, options);
    } catch (error) {
      warm.kill();
      throw error;
    }
  }

  prewarm(): void {
    this.#warm.refill();
    this.#warmKinds.refill();
  }

  reconcile(): Promise<number> {
    return endLeftContainers(this.#options.dataDir);
  }

  async close(): Promise<void> {
    this.#warm.close();
    this.#warmKinds.close();
    this.#isClosed = true;
    // What is on its way when all is killed would be left over.
    await Promise.allSettled(this.#launching);
    for (const container of this.#running.keys()) container.kill();
    await Promise.all(this.#running.values());
    this.#starter.close();
    closeDriverParts(this.#parts);
  }

  /** Runs the runner alone, so that later ones find its code compiled. Without effect where that fails. */
  async #compileRunner(): Promise<void> {
    if (this.#cache.layers.length > 0) return;
    try {
      const onEnd = (upper: string): void => this.#cache.take(upper);
      const container = await this.#launchAlone([], { words: [STARTED_AHEAD_FLAG], onEnd });
      await delay(COMPILE_MS);
      container.signal('SIGTERM');
      await this.#running.get(container);
    } catch {
      // Containers compile it themselves then, and say what is wrong if something is.
    }
  }

  async #compile({ path, mounts, take }: CompileJob): Promise<void> {
    const container = await this.#launchAlone(mounts, { words: [COMPILE_FLAG, path], onEnd: take });
    const timer = setTimeout(() => container.kill(), MOST_COMPILE_MS);
    await this.#running.get(container);
    clearTimeout(timer);
  }

  /** A container for nobody, which reaches nothing and is given nothing but code. */
  async #launchAlone(mounts: readonly ContainerMount[], ahead: Omit<Ahead, 'name'>): Promise<RuncContainer> {
    const name = newName();
    const limits = { memoryMiB: COMPILE_MEMORY_MIB };
    const container = await this.#launch({ id: name, network: 'none', limits, mounts }, { name, ...ahead });
    for (const stream of [container.channel, container.stdout, container.stderr]) stream.resume();
    return container;
  }

  #takeWarm(options: StartOptions): RuncContainer | undefined {
    const { root, extraLayers, network, limits, gpus, volumes, privateLink, mounts = [] } = options;
    // What an image begins with is run for the container that it is the image of alone.
    const isFixed = [gpus, volumes, root?.entrypoint].some((list) => list?.length);
    if (isFixed || privateLink || network === 'none' || !LateMounts.canGive(mounts)) return undefined;
    const diskMiB = limits?.diskMiB;
    const isPlain = root === undefined && !extraLayers?.length && diskMiB === this.#options.prewarmDiskMiB;
    return isPlain ? this.#warm.take() : this.#warmKinds.take({ root, extraLayers, diskMiB });
  }

  async #launchAhead({ root, extraLayers, diskMiB }: Kind): Promise<RuncContainer> {
    const name = newName();
    const release = root?.retain?.();
    try {
      const options: StartOptions = { id: name, root, extraLayers, limits: { diskMiB } };
      const container = await this.#launch(options, { name, words: [STARTED_AHEAD_FLAG] });
      void container.exited.then(release);
      return container;
    } catch (error) {
      release?.();
      throw error;
    }
  }

  /** Makes a container that was started ahead the one that is asked for. */
  async #hand(warm: RuncContainer, { id, limits = {}, mounts = [] }: StartOptions): Promise<RuncContainer> {
    const directory = join(this.#options.dataDir, 'containers', id);
    const given = await new LateMounts(warm.name).give(mounts);
    renameSync(warm.directory, directory);
    this.#record(warm.name, directory, warm.init);
    warm.become({ id, directory, limits, mounts: given });
    return warm;
  }

  #launch(options: StartOptions, ahead?: Ahead): Promise<RuncContainer> {
    const launched = this.#launchNow(options, ahead);
    this.#launching.add(launched);
    const done = (): boolean => this.#launching.delete(launched);
    launched.then(done, done);
    return launched;
  }

  async #launchNow(options: StartOptions, ahead?: Ahead): Promise<RuncContainer> {
    if (this.#isClosed) throw new ContainerError('this worker is stopping');
    const { id, limits = {}, privateLink } = options;
    const { name = newName(), words = [], onEnd } = ahead ?? {};
    const directory = join(this.#options.dataDir, 'containers', id);
    const cgroup = new ContainerCgroup(this.#parts.cgroups, name);
    const bundle = this.#bundle(name);
    mkdirSync(directory, { recursive: true });
    mkdirSync(bundle);
    this.#records.add(name, { directory });
    const late = new LateMounts(name);
    const { layers, mounts, volumes, workdir, command, env, gpus } = this.#plan(options, bundle, late);
    const config = ociConfig({
      rootPath: ROOT_MOUNT_POINT,
      hostname: id.slice(0, 63),
      cgroupPath: cgroup.path,
      limits,
      limitsSwap: this.#limitsSwap(),
      ...this.#runtime.systemCalls,
      gpus,
      ...{ env, workdir, mounts, volumes },
      command: [...command, ...words],
    });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    try {
      // Only root of the machine mounts file systems of a given size.
      const hasNoQuota = limits.diskMiB === undefined || isRootless();
      const diskImage = hasNoQuota ? undefined : await this.#parts.diskImages.open(limits.diskMiB ?? 0);
      if (this.#runtime.isCrun) cgroup.create(limits, deviceRules(gpus));
      const network = options.network === 'none' ? undefined : await prepareNetwork();
      const around = {
        runtime: this.#runtime,
        group: cgroup,
        pipes: this.#parts.pipes,
        starter: this.#starter,
      };
      const upper = this.#upper(name);
      const launched = await launch({
        ...{ ...around, name, bundle, layers, upper, diskImage, network, privateLink },
      });
      this.#record(name, directory, launched.pids.init);
      this.#runtime.learnFrom(name);
      const container = new RuncContainer({
        ...{ id, name, directory, bundle, ...launched, cgroup, mounts, workdir, late },
        ...{ runtime: this.#runtime, pipes: this.#parts.pipes },
      });
      this.#running.set(container, this.#end(container, onEnd));
      return container;
    } catch (error) {
      cgroup.kill();
      await this.#cleanUp(name, directory);
      throw error;
    }
  }

  #record(name: string, directory: string, pid: number): void {
    this.#records.add(name, { directory, init: { pid, identity: processIdentity(pid) } });
  }

  #plan(options: StartOptions, bundle: string, late: LateMounts): ContainerPlan {
    const { privateLink, mounts = [] } = options;
    const names = privateLink ? [{ source: writeHosts(bundle, privateLink), target: '/etc/hosts' }] : [];
    return planContainer(
      { ...options, mounts: [...mounts, ...names, late.prepare()] },
      {
        ...this.#options,
        ...this.#parts,
        compiledLayers: [...this.#cache.layers, ...this.#bundles.layersFor(options)],
      },
    );
  }

  #limitsSwap(): boolean {
    const memory = this.#parts.cgroups.hierarchies.get('memory');
    return memory === undefined || existsSync(join(memory, 'memory.memsw.limit_in_bytes'));
  }

  async #end(container: RuncContainer, onEnd?: (upper: string) => void): Promise<void> {
    const { code } = await container.exited;
    await container.showing;
    if (code === 0) onEnd?.(join(this.#upper(container.name), 'upper'));
    await this.#cleanUp(container.name, container.directory);
    // Of one that nobody took, nobody reads them to their end.
    const unread = [container.stdout, container.stderr].filter(
      ({ readableFlowing }) => readableFlowing === null,
    );
    for (const stream of unread) stream.destroy();
    this.#running.delete(container);
  }

  /** What the runtime starts from. It stays in its place, as the runtime remembers it. */
  #bundle(name: string): string {
    return join(this.#parts.memory, name);
  }

  /** What the container writes: a disk, or a folder. */
  #upper(name: string): string {
    return filesOf(this.#options.dataDir, 'runc', name);
  }

  async #cleanUp(name: string, directory: string): Promise<void> {
    await new ContainerCgroup(this.#parts.cgroups, name).remove();
    await new LateMounts(name).remove().catch(() => undefined);
    await rm(join(this.#runtime.stateFolder, name), { recursive: true, force: true });
    await removeFolders([this.#bundle(name), this.#upper(name), directory]);
    this.#records.remove(name);
  }
}

function newName(): string {
  return `gantry-${randomBytes(9).toString('hex')}`;
}

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
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
import { deviceRules, type GpuSources } from '../gpus/gpu-access.ts';
import { isAlive, OwnedRecords, type ProcessMark } from '../owned-records.ts';
import { processIdentity } from '../process-identity.ts';
import { isRootless } from '../rootless/user-namespace.ts';
import { WarmProcesses } from '../warm-processes.ts';
import { Pipes } from '../pipes.ts';
import { type ContainerPlan, planContainer } from './container-plan.ts';
import { ContainerCgroup, cgroupLayout, NO_CGROUPS, type CgroupLayout } from './cgroups.ts';
import { CompiledBundles, type CompileJob } from './compiled-bundles.ts';
import { CompiledCode } from './compiled-code.ts';
import { DiskImages } from './disk-image.ts';
import { LateMounts, prepareLateMounts, removeStaleLateMounts } from './late-mounts.ts';
import { launch } from './launch.ts';
import { openMemoryFolder, removeMemoryFolder, removeStaleMemoryFolders } from './memory-folder.ts';
import { prepareNetwork } from './network.ts';
import { ociConfig } from './oci-config.ts';
import { OciRuntime } from './oci-runtime.ts';
import {
  PIPES_FOLDER,
  prepareRunFolder,
  ROOT_MOUNT_POINT,
  writeDefaultRoot,
  writePlatformLayer,
} from './places.ts';
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
  /** How many containers to start ahead of need: without an image, with a network. @defaultValue 0 */
  prewarm?: number | undefined;
  /** The limit of disk of those; containers with another one are started when they are needed. @defaultValue none */
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

interface Details {
  directory: string;
  /** The first process, once it runs: the others end with it. */
  init?: ProcessMark;
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
    privateNetwork: undefined,
  };
  readonly #options: RuncDriverOptions;
  readonly #records: OwnedRecords<Details>;
  /** For what the runtime is told of containers, and what it keeps of them. */
  readonly #memory: string;
  readonly #starter: Starter;
  readonly #runtime: OciRuntime;
  readonly #cgroups: CgroupLayout;
  readonly #platformLayer: string;
  readonly #defaultRoot: { layer: string; mounts: ContainerMount[] };
  readonly #diskImages: DiskImages;
  readonly #cache: CompiledCode;
  readonly #bundles: CompiledBundles;
  readonly #pipes: Pipes;
  readonly #warm: WarmProcesses<RuncContainer>;
  readonly #launching = new Set<Promise<unknown>>();
  #isClosed = false;
  readonly #running = new Map<RuncContainer, Promise<void>>();

  /** @throws ContainerError if this machine counts the memory of no groups. */
  constructor(options: RuncDriverOptions) {
    this.#options = options;
    const { dataDir } = options;
    const cgroups = isRootless() ? NO_CGROUPS : cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (!cgroups) {
      throw new ContainerError('this machine has no cgroups for memory, so containers cannot be limited', {
        hint: 'Mount /sys/fs/cgroup, or use "--driver process".',
      });
    }
    this.#cgroups = cgroups;
    prepareRunFolder();
    this.#memory = openMemoryFolder();
    this.#starter = new Starter(this.#memory);
    const runtime = options.ociRuntime ?? defaultRuntime();
    this.#runtime = new OciRuntime(findProgram(runtime) ?? runtime, join(this.#memory, 'runtime'), cgroups);
    mkdirSync(this.#runtime.stateFolder);
    this.#records = new OwnedRecords(join(dataDir, 'runc-containers'));
    mkdirSync(join(dataDir, 'runc'), { recursive: true });
    this.#diskImages = new DiskImages(join(dataDir, 'roots', 'disks'));
    this.#platformLayer = writePlatformLayer(join(dataDir, 'roots', 'platform'));
    this.#defaultRoot = writeDefaultRoot(join(dataDir, 'roots', 'default'));
    this.#pipes = new Pipes(PIPES_FOLDER);
    this.#cache = new CompiledCode(join(dataDir, 'roots', 'compiled'), options.runnerPath);
    this.#bundles = new CompiledBundles(join(dataDir, 'roots', 'compiled-bundles'), (job) =>
      this.#compile(job),
    );
    this.#warm = new WarmProcesses({ count: options.prewarm ?? 0, spawn: () => this.#launchAhead() });
    if (options.prewarm) prepareLateMounts();
    if (options.prewarm) void this.#compileRunner().finally(() => this.#warm.refill());
  }

  async start(options: StartOptions): Promise<Container> {
    this.#bundles.compileLater(options);
    const warm = this.#canTakeWarm(options) ? this.#warm.take() : undefined;
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
  }

  async reconcile(): Promise<number> {
    await removeStaleLateMounts();
    const ended = await this.#records.reconcile(async ({ directory, init }, name) => {
      const isRunning = init !== undefined && isAlive(init);
      if (isRunning) process.kill(init.pid, 'SIGKILL');
      const killed = new ContainerCgroup(this.#cgroups, name).kill();
      await this.#cleanUp(name, directory);
      return isRunning || killed > 0;
    });
    await removeStaleMemoryFolders();
    return ended;
  }

  async close(): Promise<void> {
    this.#warm.close();
    this.#isClosed = true;
    // What is on its way when all is killed would be left over.
    await Promise.allSettled(this.#launching);
    for (const container of this.#running.keys()) container.kill();
    await Promise.all(this.#running.values());
    this.#pipes.close();
    this.#starter.close();
    removeMemoryFolder(this.#memory);
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

  #canTakeWarm({ root, extraLayers, network, limits, gpus, volumes, mounts = [] }: StartOptions): boolean {
    const isPlain = root === undefined && ![extraLayers, gpus, volumes].some((list) => list?.length);
    if (!isPlain || network === 'none') return false;
    return limits?.diskMiB === this.#options.prewarmDiskMiB && LateMounts.canGive(mounts);
  }

  async #launchAhead(): Promise<RuncContainer> {
    const name = newName();
    const mount = new LateMounts(name).prepare();
    const limits = { diskMiB: this.#options.prewarmDiskMiB };
    return this.#launch({ id: name, mounts: [mount], limits }, { name, words: [STARTED_AHEAD_FLAG] });
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
    const { id, limits = {} } = options;
    const { name = newName(), words = [], onEnd } = ahead ?? {};
    const directory = join(this.#options.dataDir, 'containers', id);
    const cgroup = new ContainerCgroup(this.#cgroups, name);
    const bundle = this.#bundle(name);
    mkdirSync(directory, { recursive: true });
    mkdirSync(bundle);
    this.#records.add(name, { directory });
    const { layers, mounts, volumes, workdir, command, env, gpus } = this.#plan(options);
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
      const diskImage = hasNoQuota ? undefined : await this.#diskImages.open(limits.diskMiB ?? 0);
      if (this.#runtime.isCrun) cgroup.create(limits, deviceRules(gpus));
      const network = options.network === 'none' ? undefined : await prepareNetwork();
      const around = { runtime: this.#runtime, group: cgroup, pipes: this.#pipes, starter: this.#starter };
      const upper = this.#upper(name);
      const launched = await launch({ ...around, name, bundle, layers, upper, diskImage, network });
      this.#record(name, directory, launched.pids.init);
      this.#runtime.learnFrom(name);
      const container = new RuncContainer({
        ...{ id, name, directory, bundle, ...launched, cgroup, mounts, workdir },
        ...{ runtime: this.#runtime, pipes: this.#pipes },
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

  #plan(options: StartOptions): ContainerPlan {
    return planContainer(options, {
      ...this.#options,
      defaultRoot: this.#defaultRoot,
      compiledLayers: [...this.#cache.layers, ...this.#bundles.layersFor(options)],
      platformLayer: this.#platformLayer,
    });
  }

  #limitsSwap(): boolean {
    const memory = this.#cgroups.hierarchies.get('memory');
    return memory === undefined || existsSync(join(memory, 'memory.memsw.limit_in_bytes'));
  }

  async #end(container: RuncContainer, onEnd?: (upper: string) => void): Promise<void> {
    const { code } = await container.exited;
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
    return join(this.#memory, name);
  }

  /** What the container writes: a disk, or a folder. */
  #upper(name: string): string {
    return join(this.#options.dataDir, 'runc', name);
  }

  async #cleanUp(name: string, directory: string): Promise<void> {
    await new ContainerCgroup(this.#cgroups, name).remove();
    await new LateMounts(name).remove().catch(() => undefined);
    await rm(join(this.#runtime.stateFolder, name), { recursive: true, force: true });
    for (const folder of [this.#bundle(name), this.#upper(name), directory]) {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    }
    this.#records.remove(name);
  }
}

function newName(): string {
  return `gantry-${randomBytes(9).toString('hex')}`;
}

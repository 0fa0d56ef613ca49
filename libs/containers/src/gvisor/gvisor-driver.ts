import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { ContainerError } from '@gantry/protocol';

import type {
  Container,
  ContainerDriver,
  ContainerMount,
  DriverCapabilities,
  StartOptions,
} from '../container-driver.ts';
import { isAlive, OwnedRecords, type ProcessMark } from '../owned-records.ts';
import { Pipes } from '../pipes.ts';
import { processIdentity } from '../process-identity.ts';
import { ContainerCgroup, cgroupLayout, type CgroupLayout } from '../runc/cgroups.ts';
import { planContainer } from '../runc/container-plan.ts';
import { DiskImages } from '../runc/disk-image.ts';
import { prepareNetwork } from '../runc/network.ts';
import {
  PIPES_FOLDER,
  prepareRunFolder,
  ROOT_MOUNT_POINT,
  writeDefaultRoot,
  writePlatformLayer,
} from '../runc/places.ts';
import { findProgram } from '../runc/requirements.ts';
import type { RuncDriverOptions } from '../runc/runc-driver.ts';
import { gvisorConfig } from './gvisor-config.ts';
import { GvisorContainer } from './gvisor-container.ts';
import { launchGvisor } from './gvisor-launch.ts';
import { GvisorRuntime } from './gvisor-runtime.ts';

interface Details {
  directory: string;
  /** The process that the sandbox is a child of. */
  parent?: ProcessMark;
}

/**
 * Containers of gVisor: each has a kernel of its own, so that its code never speaks to that of the machine. Needs Linux,
 * root and `runsc`; see {@link findGvisorProblem}.
 *
 * @example
 * ```ts
 * const driver = new GvisorDriver({ dataDir: '/var/lib/gantry/worker', runnerPath: '/opt/gantry/runner.cjs' });
 * const container = await driver.start({ id: newId('ta'), limits: { memoryMiB: 512 }, network: 'none' });
 * ```
 */
export class GvisorDriver implements ContainerDriver {
  readonly capabilities: DriverCapabilities = {
    name: 'gvisor',
    isolation: true,
    resourceLimits: true,
    images: true,
    snapshots: false,
    prewarming: false,
    lateMounts: false,
    privateNetwork: undefined,
  };
  readonly #options: RuncDriverOptions;
  readonly #records: OwnedRecords<Details>;
  readonly #runtime: GvisorRuntime;
  readonly #cgroups: CgroupLayout;
  readonly #platformLayer: string;
  readonly #defaultRoot: { layer: string; mounts: ContainerMount[] };
  readonly #diskImages: DiskImages;
  readonly #pipes: Pipes;
  readonly #launching = new Set<Promise<unknown>>();
  readonly #running = new Map<GvisorContainer, Promise<void>>();
  #isClosed = false;

  /** @throws ContainerError if this machine counts the memory of no groups. */
  constructor(options: RuncDriverOptions) {
    this.#options = options;
    const { dataDir } = options;
    const cgroups = cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (!cgroups) {
      throw new ContainerError('this machine has no cgroups for memory, so containers cannot be limited', {
        hint: 'Mount /sys/fs/cgroup, or use "--driver process".',
      });
    }
    this.#cgroups = cgroups;
    prepareRunFolder();
    const runtime = options.ociRuntime ?? 'runsc';
    this.#runtime = new GvisorRuntime(findProgram(runtime) ?? runtime);
    this.#records = new OwnedRecords(join(dataDir, 'gvisor-containers'));
    this.#diskImages = new DiskImages(join(dataDir, 'roots', 'disks'));
    this.#platformLayer = writePlatformLayer(join(dataDir, 'roots', 'platform'));
    this.#defaultRoot = writeDefaultRoot(join(dataDir, 'roots', 'default'));
    this.#pipes = new Pipes(PIPES_FOLDER);
  }

  start(options: StartOptions): Promise<Container> {
    const launched = this.#launch(options);
    this.#launching.add(launched);
    const done = (): boolean => this.#launching.delete(launched);
    launched.then(done, done);
    return launched;
  }

  /** Nothing: none are started ahead. */
  prewarm(): void {}

  async reconcile(): Promise<number> {
    return this.#records.reconcile(async ({ directory, parent }, name) => {
      const isRunning = parent !== undefined && isAlive(parent);
      const killed = new ContainerCgroup(this.#cgroups, name).kill();
      await this.#cleanUp(name, directory);
      return isRunning || killed > 0;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // What is on its way when all is killed would be left over.
    await Promise.allSettled(this.#launching);
    for (const container of this.#running.keys()) container.kill();
    await Promise.all(this.#running.values());
    this.#pipes.close();
  }

  async #launch(options: StartOptions): Promise<GvisorContainer> {
    if (this.#isClosed) throw new ContainerError('this worker is stopping');
    if (options.gpus?.length) throw noGpus();
    const { id, limits = {} } = options;
    const name = `gantry-${randomBytes(9).toString('hex')}`;
    const directory = join(this.#options.dataDir, 'containers', id);
    const cgroup = new ContainerCgroup(this.#cgroups, name);
    const bundle = this.#bundle(name);
    for (const folder of [directory, bundle]) mkdirSync(folder, { recursive: true });
    this.#records.add(name, { directory });
    try {
      const { layers, mounts, workdir } = this.#writeConfig(options, bundle);
      const diskImage =
        limits.diskMiB === undefined ? undefined : await this.#diskImages.open(limits.diskMiB);
      cgroup.create(limits);
      const network = options.network === 'none' ? undefined : await prepareNetwork();
      const around = { runtime: this.#runtime, pipes: this.#pipes, name, bundle };
      const launched = await launchGvisor({
        ...{ ...around, group: cgroup, layers, diskImage, network },
      });
      const container = new GvisorContainer({
        ...around,
        ...launched,
        id,
        directory,
        cgroup,
        mounts,
        workdir,
      });
      const pid = launched.child.pid as number;
      this.#records.add(name, { directory, parent: { pid, identity: processIdentity(pid) } });
      this.#running.set(container, this.#end(container));
      return container;
    } catch (error) {
      cgroup.kill();
      await this.#cleanUp(name, directory);
      throw error;
    }
  }

  #writeConfig(options: StartOptions, bundle: string): ReturnType<typeof planContainer> {
    const plan = planContainer(options, {
      ...this.#options,
      defaultRoot: this.#defaultRoot,
      compiledLayers: [],
      platformLayer: this.#platformLayer,
    });
    const { env, workdir, mounts, volumes, command } = plan;
    const config = gvisorConfig(
      {
        rootPath: ROOT_MOUNT_POINT,
        hostname: options.id.slice(0, 63),
        limits: options.limits ?? {},
        ...{ env, workdir, mounts, volumes, command },
      },
      bundle,
    );
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 });
    return plan;
  }

  async #end(container: GvisorContainer): Promise<void> {
    await container.exited;
    await this.#cleanUp(container.name, container.directory);
    this.#running.delete(container);
  }

  /** What the runtime starts from, and what the container writes. */
  #bundle(name: string): string {
    return join(this.#options.dataDir, 'gvisor', name);
  }

  async #cleanUp(name: string, directory: string): Promise<void> {
    await new ContainerCgroup(this.#cgroups, name).remove();
    this.#runtime.forget(name);
    for (const folder of [this.#bundle(name), directory]) {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    }
    this.#records.remove(name);
  }
}

function noGpus(): ContainerError {
  return new ContainerError('containers of gVisor have no GPUs', {
    hint: 'Run it on a worker with another OCI runtime, such as "--oci-runtime runc".',
  });
}

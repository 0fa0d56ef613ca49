import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { ContainerError } from '@gantry/protocol';

import type {
  Container,
  ContainerDriver,
  ContainerMount,
  ContainerRoot,
  DriverCapabilities,
  StartOptions,
} from '../container-driver.ts';
import { OwnedRecords } from '../owned-records.ts';
import { ContainerCgroup, cgroupLayout, type CgroupLayout } from './cgroups.ts';
import { DiskImages } from './disk-image.ts';
import { launch, startedPids, type OciRuntime } from './launch.ts';
import { attachNetwork } from './network.ts';
import { ociConfig } from './oci-config.ts';
import {
  INNER_INIT,
  innerRunnerPath,
  PLATFORM_FOLDER,
  platformMounts,
  prepareRunFolder,
  ROOT_MOUNT_POINT,
  writeDefaultRoot,
  writePlatformLayer,
} from './places.ts';
import { RuncContainer } from './runc-container.ts';

export interface RuncDriverOptions {
  /** Folder for containers, records and the runtime's state. One per worker. */
  dataDir: string;
  /** The runner program, an ES module; its whole folder is visible in containers. */
  runnerPath: string;
  /** Node for containers whose image has none. @defaultValue the Node that runs the worker */
  nodePath?: string | undefined;
  /** Flags for Node, before the runner's path. */
  nodeFlags?: readonly string[] | undefined;
  /** How many containers to start ahead of need. @defaultValue 0 */
  prewarm?: number | undefined;
  /** Environment of every container. */
  env?: Readonly<Record<string, string>> | undefined;
  /** An OCI runtime: a name on PATH, or a path. @defaultValue 'runc' */
  ociRuntime?: string | undefined;
}

interface Details {
  directory: string;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_WORKDIR = '/root';

/**
 * Containers of an OCI runtime: namespaces, cgroup limits, a root of their own. Needs Linux and root; see
 * {@link runcProblem}.
 *
 * @example
 * ```ts
 * const driver = new RuncDriver({ dataDir: '/var/lib/gantry/worker', runnerPath: '/opt/gantry/runner.mjs' });
 * const container = await driver.start({ id: newId('ta'), limits: { memoryMiB: 512 }, network: 'none' });
 * ```
 */
export class RuncDriver implements ContainerDriver {
  readonly capabilities: DriverCapabilities = {
    name: 'runc',
    isolation: true,
    resourceLimits: true,
    images: true,
    snapshots: false,
    prewarming: true,
  };
  readonly #options: RuncDriverOptions;
  readonly #records: OwnedRecords<Details>;
  readonly #runtime: OciRuntime;
  readonly #cgroups: CgroupLayout;
  readonly #platformLayer: string;
  readonly #defaultRoot: { layer: string; mounts: ContainerMount[] };
  readonly #diskImages: DiskImages;
  readonly #running = new Map<RuncContainer, Promise<void>>();

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
    this.#runtime = { program: options.ociRuntime ?? 'runc', stateFolder: join(dataDir, 'runtime') };
    this.#records = new OwnedRecords(join(dataDir, 'runc-containers'));
    mkdirSync(this.#runtime.stateFolder, { recursive: true });
    this.#diskImages = new DiskImages(join(dataDir, 'roots', 'disks'));
    prepareRunFolder();
    this.#platformLayer = writePlatformLayer(join(dataDir, 'roots', 'platform'));
    this.#defaultRoot = writeDefaultRoot(join(dataDir, 'roots', 'default'));
  }

  start(options: StartOptions): Promise<Container> {
    return this.#launch(options);
  }

  prewarm(): void {
    // Nothing is started ahead yet.
  }

  reconcile(): Promise<number> {
    return this.#records.reconcile(async ({ directory }, name) => {
      const killed = new ContainerCgroup(this.#cgroups, name).kill();
      await this.#cleanUp(name, directory);
      return killed > 0;
    });
  }

  async close(): Promise<void> {
    for (const container of this.#running.keys()) container.kill();
    await Promise.all(this.#running.values());
  }

  async #launch(options: StartOptions): Promise<RuncContainer> {
    const { id, limits = {} } = options;
    const name = `gantry-${randomBytes(9).toString('hex')}`;
    const directory = join(this.#options.dataDir, 'containers', id);
    const cgroup = new ContainerCgroup(this.#cgroups, name);
    mkdirSync(directory, { recursive: true });
    this.#records.add(name, { directory });
    const { layers, mounts, workdir, command, env } = this.#plan(options);
    const config = ociConfig({
      rootPath: ROOT_MOUNT_POINT,
      hostname: id.slice(0, 63),
      cgroupPath: cgroup.path,
      limits,
      limitsSwap: this.#limitsSwap(),
      ...{ command, env, workdir, mounts },
    });
    writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
    try {
      const diskImage =
        limits.diskMiB === undefined ? undefined : await this.#diskImages.open(limits.diskMiB);
      const child = launch({ runtime: this.#runtime, name, directory, layers, diskImage });
      const pids = await startedPids(child, directory);
      if (options.network !== 'none')
        await attachNetwork(pids.init).catch((error: unknown) => ignoreEnd(error, child));
      const container = new RuncContainer({
        ...{ id, name, directory, child, pids, cgroup, mounts, workdir },
        runtime: this.#runtime,
      });
      this.#running.set(container, this.#end(container));
      return container;
    } catch (error) {
      cgroup.kill();
      await this.#cleanUp(name, directory);
      throw error;
    }
  }

  /** What is in the container, and what runs first. */
  #plan({ root, extraLayers = [], mounts = [] }: StartOptions): {
    layers: string[];
    mounts: ContainerMount[];
    workdir: string;
    command: string[];
    env: { [name: string]: string };
  } {
    const { runnerPath, nodePath = process.execPath, nodeFlags = [] } = this.#options;
    const node = join(PLATFORM_FOLDER, 'bin/node');
    return {
      layers: [...(root?.layers ?? [this.#defaultRoot.layer]), ...extraLayers, this.#platformLayer],
      mounts: [...(root ? [] : this.#defaultRoot.mounts), ...platformMounts(runnerPath, nodePath), ...mounts],
      workdir: root?.workdir ?? DEFAULT_WORKDIR,
      command: [
        INNER_INIT,
        '--',
        ...(root?.entrypoint ?? []),
        node,
        ...nodeFlags,
        innerRunnerPath(runnerPath),
      ],
      env: this.#environment(root),
    };
  }

  #environment(root: ContainerRoot | undefined): { [name: string]: string } {
    const env = { HOME: '/root', LANG: 'C.UTF-8', PATH: DEFAULT_PATH, ...root?.env, ...this.#options.env };
    // Last: programs of the image come first, but code can always start a Node.
    return { ...env, PATH: `${env.PATH}:${join(PLATFORM_FOLDER, 'bin')}` };
  }

  #limitsSwap(): boolean {
    const memory = this.#cgroups.hierarchies.get('memory');
    return memory === undefined || existsSync(join(memory, 'memory.memsw.limit_in_bytes'));
  }

  async #end(container: RuncContainer): Promise<void> {
    await container.exited;
    await this.#cleanUp(container.name, container.directory);
    this.#running.delete(container);
  }

  async #cleanUp(name: string, directory: string): Promise<void> {
    await new ContainerCgroup(this.#cgroups, name).remove();
    await rm(join(this.#runtime.stateFolder, name), { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    this.#records.remove(name);
  }
}

/** A container that has ended already needs no network: its end says more. */
function ignoreEnd(error: unknown, { exitCode, signalCode }: ChildProcess): void {
  if (exitCode === null && signalCode === null) throw error;
}

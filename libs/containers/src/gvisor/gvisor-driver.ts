import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ContainerError } from '@gantry/protocol';

import type { Container, ContainerDriver, DriverCapabilities, StartOptions } from '../container-driver.ts';
import {
  endLeftContainers,
  filesOf,
  recordsFolder,
  removeFolders,
  type LeftContainer,
} from '../left-containers.ts';
import { OwnedRecords } from '../owned-records.ts';
import { processIdentity } from '../process-identity.ts';
import { ContainerCgroup } from '../runc/cgroups.ts';
import { planContainer } from '../runc/container-plan.ts';
import { closeDriverParts, makeDriverParts, type DriverParts } from '../runc/driver-parts.ts';
import { prepareNetwork } from '../runc/network.ts';
import { ROOT_MOUNT_POINT } from '../runc/places.ts';
import { findProgram } from '../runc/requirements.ts';
import type { RuncDriverOptions } from '../runc/runc-driver.ts';
import { gvisorConfig } from './gvisor-config.ts';
import { GvisorContainer } from './gvisor-container.ts';
import { launchGvisor } from './gvisor-launch.ts';
import { forgetSandbox, GvisorRuntime } from './gvisor-runtime.ts';

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
  readonly #parts: DriverParts;
  readonly #records: OwnedRecords<LeftContainer>;
  readonly #runtime: GvisorRuntime;
  readonly #launching = new Set<Promise<unknown>>();
  readonly #running = new Map<GvisorContainer, Promise<void>>();
  #isClosed = false;

  /** @throws ContainerError if this machine counts the memory of no groups. */
  constructor(options: RuncDriverOptions) {
    this.#options = options;
    this.#parts = makeDriverParts(options.dataDir);
    const runtime = options.ociRuntime ?? 'runsc';
    this.#runtime = new GvisorRuntime(findProgram(runtime) ?? runtime);
    this.#records = new OwnedRecords(recordsFolder(options.dataDir, 'gvisor'));
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

  reconcile(): Promise<number> {
    return endLeftContainers(this.#options.dataDir);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // What is on its way when all is killed would be left over.
    await Promise.allSettled(this.#launching);
    for (const container of this.#running.keys()) container.kill();
    await Promise.all(this.#running.values());
    closeDriverParts(this.#parts);
  }

  async #launch(options: StartOptions): Promise<GvisorContainer> {
    if (this.#isClosed) throw new ContainerError('this worker is stopping');
    if (options.gpus?.length) throw noGpus();
    const { id, limits = {} } = options;
    const name = `gantry-${randomBytes(9).toString('hex')}`;
    const directory = join(this.#options.dataDir, 'containers', id);
    const cgroup = new ContainerCgroup(this.#parts.cgroups, name);
    const bundle = this.#bundle(name);
    for (const folder of [directory, bundle]) mkdirSync(folder, { recursive: true });
    this.#records.add(name, { directory });
    try {
      const { layers, mounts, workdir } = this.#writeConfig(options, bundle);
      const diskImage =
        limits.diskMiB === undefined ? undefined : await this.#parts.diskImages.open(limits.diskMiB);
      cgroup.create(limits);
      const network = options.network === 'none' ? undefined : await prepareNetwork();
      const around = { runtime: this.#runtime, pipes: this.#parts.pipes, name, bundle };
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
      this.#records.add(name, { directory, init: { pid, identity: processIdentity(pid) } });
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
      ...this.#parts,
      compiledLayers: [],
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
    return filesOf(this.#options.dataDir, 'gvisor', name);
  }

  async #cleanUp(name: string, directory: string): Promise<void> {
    await new ContainerCgroup(this.#parts.cgroups, name).remove();
    forgetSandbox(name);
    await removeFolders([this.#bundle(name), directory]);
    this.#records.remove(name);
  }
}

function noGpus(): ContainerError {
  return new ContainerError('containers of gVisor have no GPUs', {
    hint: 'Run it on a worker with another OCI runtime, such as "--oci-runtime runc".',
  });
}

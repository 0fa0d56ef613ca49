import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';

import { ContainerError } from '@gantry/protocol';

import { STARTED_AHEAD_FLAG } from '@gantry/protocol';

import type { Container, ContainerDriver, DriverCapabilities, StartOptions } from './container-driver.ts';
import { KernelKills } from './kernel-kills.ts';
import { endLeftContainers, processRecordsFolder } from './left-containers.ts';
import { ProcessContainer } from './process-container.ts';
import { removeBeside } from './container-paths.ts';
import { endMarked, ProcessRecords, TOKEN_VARIABLE, warmDirectory } from './process-records.ts';
import { WarmProcesses } from './warm-processes.ts';

export interface ProcessDriverOptions {
  /** Folder for working directories (`containers/`) and records (`processes/`). One per worker. */
  dataDir: string;
  /** The runner program, a module. */
  runnerPath: string;
  /** @defaultValue the Node that runs the worker */
  nodePath?: string | undefined;
  /** Flags for Node, before the runner's path. */
  nodeFlags?: readonly string[] | undefined;
  /** How many runner processes to start ahead of need. @defaultValue 0 */
  prewarm?: number | undefined;
  /** Environment of every container, beside what it needs to find programs and its language. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Counts processes that the kernel killed for want of memory. @defaultValue the counter of Linux */
  readKernelKills?: (() => number | undefined) | undefined;
}

// Nothing else of the worker's environment reaches user code: it may hold credentials.
const INHERITED = [
  ...['PATH', 'LD_LIBRARY_PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'],
];

/**
 * A child process per container: works on any system, needs no rights, isolates nothing.
 *
 * @example
 * ```ts
 * const driver = new ProcessDriver({ dataDir: '/var/lib/gantry', runnerPath: '/opt/gantry/runner.cjs', prewarm: 1 });
 * const container = await driver.start({ id: newId('ta') });
 * ```
 */
export class ProcessDriver implements ContainerDriver {
  readonly capabilities: DriverCapabilities = {
    name: 'process',
    isolation: false,
    resourceLimits: false,
    images: false,
    snapshots: false,
    prewarming: true,
    lateMounts: true,
    // Other systems have a single address of the kind.
    privateNetwork: process.platform === 'linux' ? 'machine' : undefined,
  };
  readonly #options: ProcessDriverOptions;
  readonly #records: ProcessRecords;
  readonly #warm: WarmProcesses<ProcessContainer>;
  readonly #kernelKills: KernelKills;
  readonly #running = new Map<ProcessContainer, Promise<void>>();

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#records = new ProcessRecords(processRecordsFolder(options.dataDir));
    this.#kernelKills = new KernelKills(options.readKernelKills);
    this.#warm = new WarmProcesses({ count: options.prewarm ?? 0, spawn: () => this.#spawn() });
    this.#warm.refill();
  }

  async start(options: StartOptions): Promise<Container> {
    const { volumes = [] } = options;
    const absolute = volumes.find(({ target }) => isAbsolute(target));
    if (absolute) throw noOwnRoot(absolute.target);
    const container = await this.#takeOrSpawn(options);
    for (const { folder, target } of volumes) {
      const place = join(container.directory, target);
      mkdirSync(dirname(place), { recursive: true });
      symlinkSync(folder, place);
    }
    return container;
  }

  async #takeOrSpawn(options: StartOptions): Promise<ProcessContainer> {
    const warm = this.#warm.take();
    if (!warm) return this.#spawn(options.id);
    const directory = join(this.#containers, options.id);
    this.#records.add({ pid: warm.pid, token: warm.token, directory });
    // A process keeps its working directory when that is renamed.
    renameSync(warm.directory, directory);
    warm.id = options.id;
    warm.directory = directory;
    return warm;
  }

  prewarm(): void {
    this.#warm.refill();
  }

  reconcile(): Promise<number> {
    return endLeftContainers(this.#options.dataDir);
  }

  async close(): Promise<void> {
    this.#warm.close();
    this.#kernelKills.close();
    for (const container of this.#running.keys()) container.kill();
    await Promise.all(this.#running.values());
  }

  async #spawn(id?: string): Promise<ProcessContainer> {
    const token = randomBytes(9).toString('base64url');
    const directory = id === undefined ? warmDirectory(this.#containers, token) : join(this.#containers, id);
    this.#records.add({ token, directory });
    try {
      mkdirSync(directory, { recursive: true });
      const container = await this.#spawnIn(directory, { id, token });
      this.#records.add({ pid: container.pid, token, directory });
      this.#running.set(container, this.#cleanUp(container));
      return container;
    } catch (error) {
      await rm(directory, { recursive: true, force: true }).catch(() => undefined);
      this.#records.remove(token);
      throw error;
    }
  }

  #spawnIn(
    directory: string,
    { id, token }: { id: string | undefined; token: string },
  ): Promise<ProcessContainer> {
    const { nodePath = process.execPath, nodeFlags = [], runnerPath } = this.#options;
    return ProcessContainer.spawn({
      ...{ id: id ?? token, token, directory },
      command: [nodePath, ...nodeFlags, runnerPath, ...(id === undefined ? [STARTED_AHEAD_FLAG] : [])],
      env: this.#environment(token),
      kernelKills: this.#kernelKills,
    });
  }

  async #cleanUp(container: ProcessContainer): Promise<void> {
    await container.exited;
    if (container.hadGuests) await endMarked(container.token);
    await rm(container.directory, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    await removeBeside(container.directory).catch(() => undefined);
    this.#records.remove(container.token);
    this.#running.delete(container);
  }

  get #containers(): string {
    return join(this.#options.dataDir, 'containers');
  }

  #environment(token: string): Record<string, string> {
    const env: Record<string, string> = { ...this.#options.env, [TOKEN_VARIABLE]: token };
    for (const name of INHERITED) {
      const value = process.env[name];
      if (value !== undefined) env[name] ??= value;
    }
    return env;
  }
}

function noOwnRoot(target: string): ContainerError {
  return new ContainerError(`"${target}" is a path of the machine: this container has none of its own`, {
    hint: 'Give the volume a path without a slash in front, or deploy to workers with images.',
  });
}

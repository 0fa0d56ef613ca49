import { closeSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';

import { ContainerError } from '@gantry/protocol';

import type {
  Container,
  ContainerEnd,
  ContainerLimits,
  ContainerMount,
  ExecOptions,
  ExecProcess,
} from '../container-driver.ts';
import { processIdentity } from '../process-identity.ts';
import { processTreeCpuMs, processTreeMemoryBytes } from '../process-use.ts';
import { socketPathFor } from '../container-paths.ts';
import type { Pipes } from '../pipes.ts';
import type { ContainerCgroup } from './cgroups.ts';
import type { LateMounts } from './late-mounts.ts';
import type { Launched } from './launch.ts';
import type { OciRuntime } from './oci-runtime.ts';
import { openSocket } from './open-socket.ts';
import { INNER_IDENTITY_TOKEN, INNER_SOCKET, PLATFORM_FOLDER } from './places.ts';
import { RuncGuest } from './runc-guest.ts';
import { endOfRuntime, type RuntimeExit } from './runtime-end.ts';

export interface RuncContainerOptions extends Launched {
  id: string;
  /** Its name in the runtime, in cgroups and in records. */
  name: string;
  directory: string;
  /** Where the runtime found what to start. */
  bundle: string;
  runtime: OciRuntime;
  pipes: Pipes;
  cgroup: ContainerCgroup;
  mounts: readonly ContainerMount[];
  workdir: string;
  late: LateMounts;
}

/** What a container that was started ahead is told when it is taken. */
export interface Becoming {
  id: string;
  directory: string;
  mounts: readonly ContainerMount[];
  limits: ContainerLimits;
}

/** A container of an OCI runtime, which runs until its first process ends. */
export class RuncContainer implements Container {
  id: string;
  directory: string;
  readonly name: string;
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ContainerEnd>;
  readonly channel: Duplex;
  readonly #cgroup: ContainerCgroup;
  readonly #runtime: OciRuntime;
  readonly #pipes: Pipes;
  readonly #bundle: string;
  #mounts: readonly ContainerMount[];
  readonly #workdir: string;
  /** The parent of orphans, and of the runner. */
  readonly #init: number;
  readonly #identity: string | undefined;
  readonly #late: LateMounts;
  #showing: Promise<unknown> = Promise.resolve();
  #socketFd: number | undefined;
  #killed = false;
  #cpuTimeMs: number | undefined;

  constructor(options: RuncContainerOptions) {
    this.id = options.id;
    this.name = options.name;
    this.directory = options.directory;
    this.#bundle = options.bundle;
    this.pid = options.pids.runner;
    this.#init = options.pids.init;
    this.channel = options.channel;
    this.stdout = options.stdout;
    this.stderr = options.stderr;
    this.#cgroup = options.cgroup;
    this.#runtime = options.runtime;
    this.#pipes = options.pipes;
    this.#mounts = options.mounts;
    this.#workdir = options.workdir;
    this.#late = options.late;
    this.#identity = processIdentity(options.pids.init);
    this.exited = options.ended.then((exit) => this.#end(exit));
    // The runner may end while the worker writes to it: `exited` tells, the socket need not.
    this.channel.on('error', () => undefined);
  }

  /** Its first process. */
  get init(): number {
    return this.#init;
  }

  get ended(): boolean {
    return !this.#runs;
  }

  /** Makes a container that was started ahead the one of this id. */
  become({ id, directory, mounts, limits }: Becoming): void {
    this.id = id;
    this.directory = directory;
    this.#mounts = [...mounts, ...this.#mounts];
    this.#cgroup.setLimits(limits);
  }

  get memoryBytes(): number | undefined {
    return this.#runs ? (this.#cgroup.memoryBytes ?? processTreeMemoryBytes(this.#init)) : undefined;
  }

  get cpuTimeMs(): number | undefined {
    if (this.#runs) this.#cpuTimeMs = this.#cgroup.cpuTimeMs ?? processTreeCpuMs(this.#init);
    return this.#cpuTimeMs;
  }

  /**
   * A link to the open socket itself, which holds whatever the code of the container does: `/run` is a mount, which it
   * cannot replace by a link to elsewhere, and what is in there is not followed if it is a link.
   */
  get socketPath(): string | undefined {
    const path = socketPathFor(this.directory);
    if (this.#socketFd === undefined && this.#runs) {
      this.#socketFd = openSocket(`/proc/${this.#init}/root${INNER_SOCKET}`);
      if (this.#socketFd !== undefined) symlinkSync(`/proc/${process.pid}/fd/${this.#socketFd}`, path);
    }
    return this.#socketFd === undefined ? undefined : path;
  }

  get innerSocketPath(): string {
    return INNER_SOCKET;
  }

  get identityTokenPath(): string {
    return INNER_IDENTITY_TOKEN;
  }

  pathInside(path: string): string {
    if (path === this.directory) return this.#workdir;
    const mount = this.#mounts.find(({ source }) => path === source || path.startsWith(`${source}/`));
    return mount ? join(mount.target, path.slice(mount.source.length)) : path;
  }

  async showFolder(folder: string): Promise<string | undefined> {
    if (!this.#runs) return undefined;
    const showing = this.#late.give([{ source: folder, target: join(PLATFORM_FOLDER, 'shown') }]);
    this.#showing = showing.catch(() => undefined);
    return (await showing)[0]?.target;
  }

  /** What is under way in its folder of late mounts. */
  get showing(): Promise<unknown> {
    return this.#showing;
  }

  async exec(options: ExecOptions): Promise<ExecProcess> {
    if (this.#runs && !this.#killed) {
      const { name } = this;
      const bundle = this.#bundle;
      const workdir = options.workdir ?? this.#workdir;
      const isThere = () => this.#runs;
      const around = { runtime: this.#runtime, group: this.#cgroup, pipes: this.#pipes, name, bundle };
      return RuncGuest.spawn({ ...options, ...around, workdir, isThere });
    }
    throw new ContainerError(`container "${this.id}" has ended`, {
      hint: 'List what runs: `gantry container list`.',
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#send(this.pid, name);
  }

  kill(): void {
    this.#killed = true;
    // The kernel ends a process namespace with its first process.
    this.#send(this.#init, 'SIGKILL');
  }

  #send(pid: number, name: NodeJS.Signals): void {
    if (!this.#runs) return;
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }

  /** A pid may be another process's soon after the end, before this process hears of that. */
  get #runs(): boolean {
    return this.#identity !== undefined && processIdentity(this.#init) === this.#identity;
  }

  #end(exit: RuntimeExit): ContainerEnd {
    // Nothing should be left; but the runtime may have been killed instead of the container.
    this.#send(this.#init, 'SIGKILL');
    this.#cgroup.kill();
    this.#cpuTimeMs = this.#cgroup.cpuTimeMs ?? this.#cpuTimeMs;
    this.#closeSocket();
    const { code, signal } = endOfRuntime(exit);
    const wasOutOfMemory = signal === 'SIGKILL' && !this.#killed && this.#cgroup.oomKills > 0;
    return { code, signal, ...(wasOutOfMemory && { outOfMemory: true }) };
  }

  // The link first: the number of the file may be another's at once.
  #closeSocket(): void {
    if (this.#socketFd === undefined) return;
    rmSync(socketPathFor(this.directory), { force: true });
    closeSync(this.#socketFd);
    this.#socketFd = undefined;
  }
}

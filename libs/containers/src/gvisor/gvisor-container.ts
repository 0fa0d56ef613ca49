import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerError } from '@gantry/protocol';

import type {
  Container,
  ContainerEnd,
  ContainerMount,
  ExecOptions,
  ExecProcess,
} from '../container-driver.ts';
import { socketPathFor } from '../container-paths.ts';
import type { Pipes } from '../pipes.ts';
import { processIdentity } from '../process-identity.ts';
import type { ContainerCgroup } from '../runc/cgroups.ts';
import { openSocket } from '../runc/open-socket.ts';
import { INNER_IDENTITY_TOKEN, INNER_SOCKET } from '../runc/places.ts';
import { endOfRuntime } from '../runc/runtime-end.ts';
import { GvisorGuest } from './gvisor-guest.ts';
import { outerFolder, type GvisorLaunched } from './gvisor-launch.ts';
import type { GvisorRuntime } from './gvisor-runtime.ts';

/** A signal that comes before the first program runs is sent again. */
const SIGNAL_RETRY_MS = 100;

export interface GvisorContainerOptions extends GvisorLaunched {
  id: string;
  /** Its name in the runtime, in cgroups and in records. */
  name: string;
  directory: string;
  /** Where the runtime found what to start. */
  bundle: string;
  runtime: GvisorRuntime;
  pipes: Pipes;
  cgroup: ContainerCgroup;
  mounts: readonly ContainerMount[];
  workdir: string;
}

/**
 * A container of gVisor. This machine sees none of its processes, only the sandbox that they all run in: so signals go
 * through the runtime, and its memory is what its group of processes holds.
 */
export class GvisorContainer implements Container {
  readonly id: string;
  readonly name: string;
  readonly directory: string;
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ContainerEnd>;
  readonly #options: GvisorContainerOptions;
  readonly #child: ChildProcess;
  readonly #identity: string | undefined;
  #socketFd: number | undefined;
  #killed = false;
  #cpuTimeMs: number | undefined;

  constructor(options: GvisorContainerOptions) {
    this.#options = options;
    ({ id: this.id, name: this.name, directory: this.directory, sandbox: this.pid } = options);
    ({ child: this.#child, stdout: this.stdout, stderr: this.stderr } = options);
    this.#identity = processIdentity(this.pid);
    this.exited = new Promise((resolve) => {
      const end = (): void => resolve(this.#end());
      if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.once('exit', end);
      else end();
    });
    // The runner may end while the worker writes to it: `exited` tells, the socket need not.
    this.channel.on('error', () => undefined);
  }

  get channel(): Duplex {
    return this.#child.stdio[3] as Duplex;
  }

  get memoryBytes(): number | undefined {
    return this.#runs ? this.#options.cgroup.memoryBytes : undefined;
  }

  get cpuTimeMs(): number | undefined {
    return this.#runs ? this.#options.cgroup.cpuTimeMs : this.#cpuTimeMs;
  }

  /**
   * A link to the open socket itself, which holds whatever the code of the container does: `/run` is a mount, which it
   * cannot replace by a link to elsewhere, and what is in there is not followed if it is a link.
   */
  get socketPath(): string | undefined {
    const path = socketPathFor(this.directory);
    if (this.#socketFd === undefined && this.#runs) {
      this.#socketFd = this.#openSocket();
      if (this.#socketFd !== undefined) symlinkSync(`/proc/${process.pid}/fd/${this.#socketFd}`, path);
    }
    return this.#socketFd === undefined ? undefined : path;
  }

  /**
   * In the mount namespace that the runtime was started in, which sees the container's `/run` where it was made. Threads of
   * gVisor may go into others, its first one among them.
   */
  #openSocket(): number | undefined {
    const { bundle } = this.#options;
    const path = join(outerFolder(bundle, 'run'), INNER_SOCKET.slice('/run'.length));
    const threads = `/proc/${this.#child.pid}/task`;
    for (const thread of existsSync(threads) ? readdirSync(threads) : []) {
      const fd = openSocket(join(threads, thread, 'root', path));
      if (fd !== undefined) return fd;
    }
    return undefined;
  }

  get innerSocketPath(): string {
    return INNER_SOCKET;
  }

  get identityTokenPath(): string {
    return INNER_IDENTITY_TOKEN;
  }

  /** gVisor keeps what it has read of files, and a clock of its own. */
  showFolder(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  pathInside(path: string): string {
    const { workdir, mounts } = this.#options;
    if (path === this.directory) return workdir;
    const mount = mounts.find(({ source }) => path === source || path.startsWith(`${source}/`));
    return mount ? join(mount.target, path.slice(mount.source.length)) : path;
  }

  async exec(options: ExecOptions): Promise<ExecProcess> {
    if (this.#runs && !this.#killed) {
      const workdir = options.workdir ?? this.#options.workdir;
      return GvisorGuest.spawn({ ...this.#options, ...options, workdir, isThere: () => this.#runs });
    }
    throw new ContainerError(`container "${this.id}" has ended`, {
      hint: 'List what runs: `gantry container list`.',
    });
  }

  signal(name: NodeJS.Signals): void {
    if (name === 'SIGKILL') this.kill();
    else void this.#signal(name);
  }

  kill(): void {
    this.#killed = true;
    if (this.#runs) this.#options.cgroup.kill();
  }

  /** The first program passes it on to the runner. */
  async #signal(name: NodeJS.Signals): Promise<void> {
    const [program = '', ...words] = [...this.#options.runtime.words, 'kill', this.name, name];
    while (this.#runs) {
      const told = once(spawn(program, words, { stdio: 'ignore' }), 'exit');
      // A machine that can start no program just now may do so later.
      const [code] = (await told.catch(() => [])) as [code?: number | null];
      if (code === 0) return;
      await delay(SIGNAL_RETRY_MS);
    }
  }

  /** A pid may be another process's soon after the end, before this process hears of that. */
  get #runs(): boolean {
    return this.#identity !== undefined && processIdentity(this.pid) === this.#identity;
  }

  #end(): ContainerEnd {
    const { cgroup } = this.#options;
    // Nothing should be left; but the runtime may have been killed instead of the container.
    cgroup.kill();
    this.#cpuTimeMs = cgroup.cpuTimeMs;
    this.#closeSocket();
    if (this.#killed) return { code: null, signal: 'SIGKILL' };
    // The sandbox is what the kernel kills then; the runtime just finds it gone.
    if (cgroup.oomKills > 0) return { code: null, signal: 'SIGKILL', outOfMemory: true };
    return endOfRuntime({ code: this.#child.exitCode, signal: this.#child.signalCode });
  }

  // The link first: the number of the file may be another's at once.
  #closeSocket(): void {
    if (this.#socketFd === undefined) return;
    rmSync(socketPathFor(this.directory), { force: true });
    closeSync(this.#socketFd);
    this.#socketFd = undefined;
  }
}

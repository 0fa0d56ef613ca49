import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import type { Duplex, Readable } from 'node:stream';

import { ContainerError } from '@gantry/protocol';

import type { Container, ContainerEnd, ExecOptions, ExecProcess } from './container-driver.ts';
import { HostProcess } from './exec/host-process.ts';
import type { KernelKills } from './kernel-kills.ts';
import { identityTokenPathFor, socketPathFor } from './container-paths.ts';
import { processTreeCpuMs, processTreeMemoryBytes } from './process-use.ts';
import { TOKEN_VARIABLE } from './process-records.ts';

/** Of -1000 (never) to 1000 (first): what the kernel goes by when memory is short. */
const KILLED_FIRST = '800';

// A shell says it best when there is no such folder or program.
const IN_FOLDER = 'cd -- "$1" || exit 126; shift; exec "$@"';

export interface ProcessContainerOptions {
  /** Until a container takes it over, a process started ahead has its token here. */
  id: string;
  token: string;
  directory: string;
  command: readonly string[];
  env: Record<string, string>;
  kernelKills: KernelKills;
}

/** A child process that leads a process group of its own, with a socket as file descriptor 3. */
export class ProcessContainer implements Container {
  id: string;
  directory: string;
  readonly token: string;
  readonly exited: Promise<ContainerEnd>;
  /** Programs were run beside the runner: they are in groups of their own. */
  hadGuests = false;
  readonly #child: ChildProcess;
  readonly #env: Readonly<Record<string, string>>;
  #ended = false;
  #killed = false;
  #cpuTimeMs: number | undefined;

  private constructor(child: ChildProcess, options: ProcessContainerOptions) {
    this.#child = child;
    this.id = options.id;
    this.token = options.token;
    this.directory = options.directory;
    this.#env = options.env;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        // Whatever it started ends with it; nobody is left in the group if that fails.
        this.#killGroup();
        this.#ended = true;
        const isUnasked = signal === 'SIGKILL' && !this.#killed;
        resolve({ code, signal, ...(isUnasked && options.kernelKills.claim() && { outOfMemory: true }) });
      });
    });
    // The runner may end while the worker writes to it: `exited` tells, the socket need not.
    this.channel.on('error', () => undefined);
  }

  /** @throws {@link ContainerError} if the program cannot be started. */
  static async spawn(options: ProcessContainerOptions): Promise<ProcessContainer> {
    const [program = '', ...args] = options.command;
    const child = spawn(program, args, {
      cwd: options.directory,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) {
      const cause = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new ContainerError(`the program "${program}" could not be started`, {
        hint: 'Check that the worker was given a working path to Node.',
        cause,
      });
    }
    preferForKernelKills(child.pid);
    return new ProcessContainer(child, options);
  }

  get innerSocketPath(): string {
    return socketPathFor(this.directory);
  }

  get identityTokenPath(): string {
    return identityTokenPathFor(this.directory);
  }

  get socketPath(): string | undefined {
    return existsSync(this.innerSocketPath) ? this.innerSocketPath : undefined;
  }

  pathInside(path: string): string {
    return path;
  }

  showFolder(folder: string): Promise<string | undefined> {
    return Promise.resolve(this.#ended ? undefined : folder);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get channel(): Duplex {
    return this.#child.stdio[3] as Duplex;
  }

  get stdout(): Readable {
    return this.#child.stdout as Readable;
  }

  get stderr(): Readable {
    return this.#child.stderr as Readable;
  }

  get memoryBytes(): number | undefined {
    return this.#ended ? undefined : processTreeMemoryBytes(this.pid);
  }

  get cpuTimeMs(): number | undefined {
    if (!this.#ended) this.#cpuTimeMs = processTreeCpuMs(this.pid) ?? this.#cpuTimeMs;
    return this.#cpuTimeMs;
  }

  async exec({ command, env, workdir, terminal }: ExecOptions): Promise<ExecProcess> {
    this.hadGuests = true;
    if (!this.#ended) {
      const guest = await HostProcess.spawn({
        command: ['/bin/sh', '-c', IN_FOLDER, 'sh', workdir ?? this.directory, ...command],
        env: { ...this.#env, ...env, [TOKEN_VARIABLE]: this.token },
        terminal,
      });
      if (!this.#ended) return guest;
      guest.kill();
    }
    throw new ContainerError(`container "${this.id}" has ended`, {
      hint: 'List what runs: `gantry container list`.',
    });
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(name);
  }

  kill(): void {
    this.#killed = true;
    if (!this.#ended) this.#killGroup();
  }

  #killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The group is empty.
    }
  }
}

/** When the machine has no memory left, containers are killed, not their worker and what it needs. */
function preferForKernelKills(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, KILLED_FIRST);
  } catch {
    // Not on Linux, or it has ended already.
  }
}

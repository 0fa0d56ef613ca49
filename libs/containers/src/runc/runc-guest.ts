import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { ExecEnd, ExecOptions, ExecProcess, TerminalSize } from '../container-driver.ts';
import { HostProcess } from '../exec/host-process.ts';
import { TerminalResizer } from '../exec/terminal-resizer.ts';
import { sessionMembers, sessionOf } from '../process-identity.ts';
import type { Pipes } from '../pipes.ts';
import type { ContainerCgroup } from './cgroups.ts';
import type { OciRuntime } from './oci-runtime.ts';
import { writeProcessSpec } from './process-spec.ts';

/** What an OCI runtime ends with when its program was killed, and when its container is gone, too. */
const KILLED_CODE = 137;
const LOST_CODES = new Set<number | null>([1, KILLED_CODE, 255]);

const PID_POLL_MS = 5;

export interface RuncGuestOptions extends ExecOptions {
  runtime: OciRuntime;
  pipes: Pipes;
  group: ContainerCgroup;
  /** Of the container, in the runtime. */
  name: string;
  /** Folder with the container's `config.json`; gets the files that say what to run, and which process it is. */
  bundle: string;
  workdir: string;
  /** Whether the container is still there. */
  isThere(): boolean;
}

let count = 0;

/** A program that the OCI runtime runs beside the first one of a container. */
export class RuncGuest implements ExecProcess {
  readonly exited: Promise<ExecEnd>;
  readonly #host: HostProcess;
  readonly #pidFile: string;
  readonly #isCrun: boolean;
  #resizer: TerminalResizer | undefined;
  #killed = false;
  #ended = false;

  private constructor(host: HostProcess, file: string, { runtime, isThere }: RuncGuestOptions) {
    this.#host = host;
    this.#isCrun = runtime.isCrun;
    this.#pidFile = `${file}.pid`;
    this.exited = host.exited.then((end) => {
      this.#ended = true;
      for (const kind of ['json', 'pid']) rmSync(`${file}.${kind}`, { force: true });
      const isKilled = this.#killed && end.code === KILLED_CODE;
      const isLost = LOST_CODES.has(end.code) && !isThere();
      return isKilled || isLost ? { code: null, signal: 'SIGKILL' } : end;
    });
  }

  /** @throws ContainerError if it cannot be started. */
  static async spawn(options: RuncGuestOptions): Promise<RuncGuest> {
    const { runtime, group, name, bundle, terminal, pipes } = options;
    const file = join(bundle, `program-${++count}`);
    writeProcessSpec(`${file}.json`, bundle, options);
    const execute = ['exec', '--process', `${file}.json`, '--pid-file', `${file}.pid`, name];
    const host = await HostProcess.spawn({
      command: [...runtime.apart, ...runtime.command(group), ...execute],
      env: { PATH: process.env['PATH'] ?? '' },
      terminal,
      pipes: terminal ? undefined : await pipes.outputs(),
    });
    return new RuncGuest(host, file, options);
  }

  get stdin(): Writable {
    return this.#host.stdin;
  }

  get stdout(): Readable {
    return this.#host.stdout;
  }

  get stderr(): Readable {
    return this.#host.stderr;
  }

  resize(size: TerminalSize): void {
    this.#host.resize(size);
    if (this.#isCrun) void this.#whenRunning((pid) => this.#resizerOf(pid).resize(size));
  }

  /** Of the terminal in the container, which the program was given as its input. */
  #resizerOf(pid: number): TerminalResizer {
    return (this.#resizer ??= new TerminalResizer(`/proc/${pid}/fd/0`));
  }

  signal(name: NodeJS.Signals): void {
    void this.#whenRunning((pid) => send(pid, name));
  }

  kill(): void {
    this.#killed = true;
    // It has a session of its own; the runtime ends when it does.
    void this.#whenRunning((pid) => {
      for (const member of sessionMembers(sessionOf(pid) ?? pid)) send(member, 'SIGKILL');
    });
  }

  /** The runtime may say which process it is only after that has begun to write. */
  async #whenRunning(act: (pid: number) => void): Promise<void> {
    for (let pid = this.#pid; !this.#ended; pid = this.#pid) {
      if (pid !== undefined) return act(pid);
      await delay(PID_POLL_MS);
    }
  }

  /** Undefined before it runs, and when it has ended. */
  get #pid(): number | undefined {
    try {
      return Number(readFileSync(this.#pidFile, 'latin1')) || undefined;
    } catch {
      return undefined;
    }
  }
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

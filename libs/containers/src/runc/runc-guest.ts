import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { ExecEnd, ExecOptions, ExecProcess, TerminalSize } from '../container-driver.ts';
import { HostProcess } from '../exec/host-process.ts';
import { sessionMembers } from '../process-identity.ts';
import type { OciRuntime } from './launch.ts';

/** What an OCI runtime ends with when its program was killed. */
const KILLED_CODE = 137;

// A shell says it best when there is no such folder or program. The size of a terminal is set here, too: the runtime
// may come to that only after the program has asked for it.
const IN_FOLDER = '[ -z "$1" ] || stty rows "$1" cols "$2" 2>&-; cd -- "$3" || exit 126; shift 3; exec "$@"';
const PID_POLL_MS = 5;

export interface RuncGuestOptions extends ExecOptions {
  runtime: OciRuntime;
  /** Of the container, in the runtime. */
  name: string;
  /** For the file that says which process it is. */
  directory: string;
  workdir: string;
}

let count = 0;

/** A program that the OCI runtime runs beside the first one of a container. */
export class RuncGuest implements ExecProcess {
  readonly exited: Promise<ExecEnd>;
  readonly #host: HostProcess;
  readonly #pidFile: string;
  #killed = false;
  #ended = false;

  private constructor(host: HostProcess, pidFile: string) {
    this.#host = host;
    this.#pidFile = pidFile;
    this.exited = host.exited.then((end) => {
      this.#ended = true;
      rmSync(pidFile, { force: true });
      return this.#killed && end.code === KILLED_CODE ? { code: null, signal: 'SIGKILL' } : end;
    });
  }

  /** @throws ContainerError if it cannot be started. */
  static async spawn(options: RuncGuestOptions): Promise<RuncGuest> {
    const { runtime, name, directory, workdir, command, terminal } = options;
    const pidFile = join(directory, `program-${++count}.pid`);
    const env = { ...options.env, ...(terminal && { TERM: terminal.term ?? 'xterm-256color' }) };
    const flags = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const host = await HostProcess.spawn({
      command: [
        ...[runtime.program, '--root', runtime.stateFolder, 'exec', '--pid-file', pidFile],
        ...[...flags, ...(terminal ? ['--tty'] : []), name],
        ...['/bin/sh', '-c', IN_FOLDER, 'sh', ...sizeWords(terminal), workdir, ...command],
      ],
      env: { PATH: process.env['PATH'] ?? '' },
      terminal,
    });
    return new RuncGuest(host, pidFile);
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
  }

  signal(name: NodeJS.Signals): void {
    void this.#whenRunning((pid) => send(pid, name));
  }

  kill(): void {
    this.#killed = true;
    // It leads a session; the runtime ends when it does.
    void this.#whenRunning((pid) => sessionMembers(pid).forEach((member) => send(member, 'SIGKILL')));
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

function sizeWords(terminal: ExecOptions['terminal']): [rows: string, columns: string] {
  return terminal ? [String(terminal.rows), String(terminal.columns)] : ['', ''];
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { ExecEnd, ExecOptions, ExecProcess, TerminalSize } from '../container-driver.ts';
import { HostProcess } from '../exec/host-process.ts';
import type { Pipes } from '../pipes.ts';
import { writeProcessSpec } from '../runc/process-spec.ts';
import type { GvisorRuntime } from './gvisor-runtime.ts';

/** What `runsc exec` ends with when its program was killed, and when its container is gone, too. */
const KILLED_CODE = 137;
const LOST_CODES = new Set<number | null>([1, 128, KILLED_CODE, 255]);
const PID_POLL_MS = 10;

// All processes of the session that the program leads, itself first, or it would end by itself as it hears of the others'
// end: fields of `stat` are counted behind the name.
const KILL_SESSION = `
kill -KILL "$1"
for stat in /proc/[0-9]*/stat; do
  read -r line < "$stat" || continue
  pid=\${line%% *}
  set -- "$1" \${line##*) }
  [ "$5" = "$1" ] && kill -KILL "$pid"
done 2>&-`;

export interface GvisorGuestOptions extends ExecOptions {
  runtime: GvisorRuntime;
  pipes: Pipes;
  /** Of the container, in the runtime. */
  name: string;
  /** Folder with the container's `config.json`; gets the files that say what to run, and which process it is. */
  bundle: string;
  workdir: string;
  /** Whether the container is still there. */
  isThere(): boolean;
}

let count = 0;

/** A program that gVisor runs beside the first one of a container. Its terminal is one of this machine's. */
export class GvisorGuest implements ExecProcess {
  readonly stdin: Writable;
  readonly exited: Promise<ExecEnd>;
  readonly #host: HostProcess;
  readonly #options: GvisorGuestOptions;
  readonly #file: string;
  #killed = false;
  #ended = false;

  private constructor(host: HostProcess, file: string, options: GvisorGuestOptions) {
    this.#host = host;
    this.#file = file;
    this.#options = options;
    this.stdin = options.terminal ? this.#whenSignalsPass(host.stdin) : host.stdin;
    this.exited = host.exited.then((end) => {
      this.#ended = true;
      for (const kind of ['json', 'pid']) rmSync(`${file}.${kind}`, { force: true });
      const isKilled = this.#killed && end.code === KILLED_CODE;
      const isLost = LOST_CODES.has(end.code) && !options.isThere();
      return isKilled || isLost ? { code: null, signal: 'SIGKILL' } : end;
    });
  }

  /** @throws ContainerError if it cannot be started. */
  static async spawn(options: GvisorGuestOptions): Promise<GvisorGuest> {
    const { runtime, name, bundle, terminal, pipes } = options;
    const file = join(bundle, `program-${++count}`);
    writeProcessSpec(`${file}.json`, bundle, options);
    const execute = ['exec', '--process', `${file}.json`, '--internal-pid-file', `${file}.pid`, name];
    const host = await HostProcess.spawn({
      command: [...runtime.words, ...execute],
      env: { PATH: process.env['PATH'] ?? '' },
      terminal,
      pipes: terminal ? undefined : await pipes.outputs(),
    });
    return new GvisorGuest(host, file, options);
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
    void this.#whenRunning((pid) => this.#act(['kill', '--pid', String(pid), this.#options.name, name]));
  }

  kill(): void {
    this.#killed = true;
    void this.#whenRunning((pid) =>
      this.#act(['exec', this.#options.name, '/bin/sh', '-c', KILL_SESSION, 'sh', String(pid)]),
    );
  }

  #act(words: readonly string[]): void {
    const [program = '', ...flags] = this.#options.runtime.words;
    spawn(program, [...flags, ...words], { stdio: 'ignore' }).on('error', () => undefined);
  }

  /** What is typed waits for the runtime, which Ctrl-C would end as long as it does not pass it on to the program. */
  #whenSignalsPass(terminal: Writable): Writable {
    const typed = new PassThrough();
    void this.#whenRunning(() => void typed.pipe(terminal));
    return typed;
  }

  /** The runtime may say which process it is only after that has begun to write. */
  async #whenRunning(act: (pid: number) => void): Promise<void> {
    for (let pid = this.#pid; !this.#ended; pid = this.#pid) {
      if (pid !== undefined) return act(pid);
      await delay(PID_POLL_MS);
    }
  }

  /** In the container. Undefined before it runs, and when it has ended. */
  get #pid(): number | undefined {
    try {
      return Number(readFileSync(`${this.#file}.pid`, 'latin1')) || undefined;
    } catch {
      return undefined;
    }
  }
}

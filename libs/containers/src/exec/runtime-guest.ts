import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { ExecEnd, ExecOptions, ExecProcess, TerminalSize } from '../container-driver.ts';
import type { Pipes } from '../pipes.ts';
import { writeProcessSpec } from '../runc/process-spec.ts';
import { HostProcess } from './host-process.ts';

/** What a runtime ends with when its program was killed. */
const KILLED_CODE = 137;
const PID_POLL_MS = 5;

/** Of any OCI runtime. */
export interface RuntimeGuestOptions extends ExecOptions {
  pipes: Pipes;
  /** Of the container, in the runtime. */
  name: string;
  /** Folder with the container's `config.json`; gets the files that say what to run, and which process it is. */
  bundle: string;
  workdir: string;
  /** Whether the container is still there. */
  isThere(): boolean;
}

/** The runtime's words before `exec`, and the flag for the file in which it says which process it has started. */
export interface ExecWords {
  words: readonly string[];
  pidFlag: string;
}

/** A program on its way into a container. */
interface Spawned {
  host: HostProcess;
  /** Of what to run (`.json`), and which process it is (`.pid`). */
  file: string;
}

let count = 0;

/**
 * Has an OCI runtime run a program beside the first one of a container.
 *
 * @throws ContainerError if it cannot be started.
 */
export async function spawnBeside(options: RuntimeGuestOptions, runtime: ExecWords): Promise<Spawned> {
  const { name, bundle, terminal, pipes } = options;
  const file = join(bundle, `program-${++count}`);
  writeProcessSpec(`${file}.json`, bundle, options);
  const execute = ['exec', '--process', `${file}.json`, runtime.pidFlag, `${file}.pid`, name];
  const host = await HostProcess.spawn({
    command: [...runtime.words, ...execute],
    env: { PATH: process.env['PATH'] ?? '' },
    terminal,
    pipes: terminal ? undefined : await pipes.outputs(),
  });
  return { host, file };
}

/** A program that an OCI runtime runs beside the first one of a container. */
export abstract class RuntimeGuest implements ExecProcess {
  readonly exited: Promise<ExecEnd>;
  protected readonly host: HostProcess;
  readonly #file: string;
  #killed = false;
  #ended = false;

  /** @param lostCodes - What the runtime may end with when the container is gone, too. */
  constructor({ host, file }: Spawned, isThere: () => boolean, lostCodes: ReadonlySet<number | null>) {
    this.host = host;
    this.#file = file;
    this.exited = host.exited.then((end) => {
      this.#ended = true;
      for (const kind of ['json', 'pid']) rmSync(`${file}.${kind}`, { force: true });
      const isKilled = this.#killed && end.code === KILLED_CODE;
      const isLost = lostCodes.has(end.code) && !isThere();
      return isKilled || isLost ? { code: null, signal: 'SIGKILL' } : end;
    });
  }

  get stdin(): Writable {
    return this.host.stdin;
  }

  get stdout(): Readable {
    return this.host.stdout;
  }

  get stderr(): Readable {
    return this.host.stderr;
  }

  resize(size: TerminalSize): void {
    this.host.resize(size);
  }

  signal(name: NodeJS.Signals): void {
    void this.whenRunning((pid) => this.send(pid, name));
  }

  kill(): void {
    this.#killed = true;
    void this.whenRunning((pid) => this.killSession(pid));
  }

  /** Sends a signal to the program, which is this process of the machine or of the container: as the runtime says it. */
  protected abstract send(pid: number, name: NodeJS.Signals): void;
  /** SIGKILL to it and to what it started: it has a session of its own, and the runtime ends when it does. */
  protected abstract killSession(pid: number): void;

  /** The runtime may say which process it is only after that has begun to write. */
  protected async whenRunning(act: (pid: number) => void): Promise<void> {
    for (let pid = this.#pid; !this.#ended; pid = this.#pid) {
      if (pid !== undefined) return act(pid);
      await delay(PID_POLL_MS);
    }
  }

  /** Undefined before it runs, and when it has ended. */
  get #pid(): number | undefined {
    try {
      return Number(readFileSync(`${this.#file}.pid`, 'latin1')) || undefined;
    } catch {
      return undefined;
    }
  }
}

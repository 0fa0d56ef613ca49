import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { fromWireError, GantryError } from '@gantry/protocol';

import { type DaemonReply, type DaemonRequest, THREADS, type VersionToMount } from './daemon-messages.ts';

/**
 * What comes from the network is in memory outside of the heap, of which the collector of garbage sees only that there is
 * much. It frees it soon and cheaply if it looks at what is new alone, and counts it at once if it does so itself. Left to
 * itself, it searches the whole heap for every 15 to 40 MiB that are read.
 */
const FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1', '--single-threaded-gc'];

export interface DaemonCommand {
  /** File of the program that calls `serveMounts`. */
  program: string;
  /** What it opens the blocks with, JSON. Not seen by other users of the machine: it may have credentials. */
  setup: unknown;
  warn: (message: string) => void;
}

/** A running mount daemon, from the side of its worker. */
export class DaemonProcess {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  #lastId = 0;
  hasEnded = false;
  /** Resolves, to what it is for those who use its files, when it has ended. Never after {@link close}. */
  readonly ended: Promise<GantryError>;

  constructor({ program, setup, warn }: DaemonCommand) {
    this.#child = spawn(process.execPath, [...FLAGS, program], {
      env: { ...process.env, UV_THREADPOOL_SIZE: String(THREADS) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Ctrl-C in the worker's terminal is the worker's to handle: containers may still read.
      detached: true,
    });
    this.#child.on('message', (reply: DaemonReply) => {
      if (reply.type === 'warning') return warn(reply.message);
      const asked = this.#asked.get(reply.id);
      this.#asked.delete(reply.id);
      if (reply.type === 'done') asked?.resolve();
      else asked?.reject(fromWireError(reply.error));
    });
    this.ended = this.#watch();
    this.#send({ type: 'start', setup });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  mount(at: string, version: VersionToMount): Promise<void> {
    return this.#ask((id) => ({ type: 'mount', id, at, version }));
  }

  unmount(at: string): Promise<void> {
    return this.#ask((id) => ({ type: 'unmount', id, at }));
  }

  /** Ends it, and all its mounts. */
  async close(): Promise<void> {
    if (this.hasEnded) return;
    const exited = once(this.#child, 'exit');
    this.#isClosing = true;
    this.#child.disconnect();
    await exited;
  }

  #isClosing = false;

  #watch(): Promise<GantryError> {
    return new Promise((resolve) => {
      const end = (reason: string): void => {
        if (this.hasEnded) return;
        this.hasEnded = true;
        const error = new GantryError('UNAVAILABLE', `the mount daemon of this worker ended (${reason})`, {
          hint: 'Containers with volumes are started anew; look at the log of the worker for why it ended.',
        });
        for (const { reject } of this.#asked.values()) reject(error);
        this.#asked.clear();
        if (!this.#isClosing) resolve(error);
      };
      this.#child.once('error', (error) => end(error.message));
      this.#child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  #ask(request: (id: number) => DaemonRequest): Promise<void> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#send(request(id));
    });
  }

  #send(request: DaemonRequest): void {
    // If it has ended, whoever asked hears it from there.
    this.#child.send(request, () => undefined);
  }
}

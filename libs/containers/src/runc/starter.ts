import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';

import { STARTER_SCRIPT } from './starter-script.ts';
import { systemCalls } from './start-script.ts';
import type { RuntimeExit } from './runtime-end.ts';

/** The first process of a container, and the runner that it started. */
export interface ContainerPids {
  init: number;
  runner: number;
}

/** A container that the starter was told to start. None of its promises rejects. */
export interface Start {
  /** The other end of file 3 of its runtime, and of the container; undefined if there will be none. */
  readonly channel: Promise<Duplex | undefined>;
  /** Its processes, once they run, and what went wrong with its network; a problem alone if that will not be known. */
  readonly running: Promise<{ pids?: ContainerPids; problem: string }>;
  /** The end of its runtime. */
  readonly ended: Promise<RuntimeExit>;
}

/** The same, to be told. */
interface Told {
  opened(channel: Duplex | undefined): void;
  runs(found: Awaited<Start['running']>): void;
  ends(exit: RuntimeExit): void;
}

/**
 * Starts containers by one small program for all: see {@link STARTER_SCRIPT}. Where that is ended by others, its
 * containers count as killed, and the next start has a new one.
 */
export class Starter {
  readonly #socketPath: string;
  readonly #server: Server;
  #listening: Promise<unknown> | undefined;
  readonly #starts = new Map<string, Told>();
  #program: ChildProcess | undefined;
  #count = 0;

  /** @param folder - Nobody else's, with a short path. Gets a socket. */
  constructor(folder: string) {
    this.#socketPath = join(folder, 'starts');
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @param words - All of a message but its first one. */
  async start(words: readonly string[]): Promise<Start> {
    this.#listening ??= once(this.#server.listen(this.#socketPath), 'listening');
    await this.#listening;
    const id = String(++this.#count);
    const channel = Promise.withResolvers<Duplex | undefined>();
    const running = Promise.withResolvers<Awaited<Start['running']>>();
    const ended = Promise.withResolvers<RuntimeExit>();
    this.#starts.set(id, { opened: channel.resolve, runs: running.resolve, ends: ended.resolve });
    const message = Buffer.from([id, ...words].join('\0'));
    this.#program ??= this.#spawn();
    this.#program.stdin?.write(Buffer.concat([Buffer.from(`${message.length}\n`), message]));
    return { channel: channel.promise, running: running.promise, ended: ended.promise };
  }

  /** When all that it started has ended. */
  close(): void {
    this.#program?.stdin?.end();
    this.#server.close();
  }

  #spawn(): ChildProcess {
    const program = spawn('perl', ['-e', STARTER_SCRIPT, '--', systemCalls ?? '', this.#socketPath], {
      // A session of its own: Ctrl-C in the terminal of the worker is the worker's to pass on.
      detached: true,
      // Perl takes a quarter longer to start with a language to be loaded. The runtime has this environment, too.
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    // Its end tells; it may come while something is written.
    program.stdin.on('error', () => undefined);
    const lost = (problem: string): void => {
      if (this.#program !== program) return;
      this.#program = undefined;
      for (const id of [...this.#starts.keys()]) this.#end(id, { code: null, signal: 'SIGKILL' }, problem);
    };
    program.once('error', (error) => lost(error.message));
    program.once('exit', () => lost('the program that starts containers was ended'));
    createInterface(program.stdout as Readable).on('line', (line) => this.#hear(line));
    return program;
  }

  #hear(line: string): void {
    const [, word, id = '', rest = ''] = /^(\w+) (\d+) ?(.*)$/.exec(line) ?? [];
    const [, init, runner, problem = ''] = /^(\d+) (\d+) ?(.*)$/.exec(rest) ?? [];
    if (word === 'runs')
      this.#starts.get(id)?.runs({ pids: { init: Number(init), runner: Number(runner) }, problem });
    else if (word === 'failed') this.#starts.get(id)?.runs({ problem: rest });
    else if (word === 'ended') this.#end(id, exitOf(Number(rest)), '');
  }

  #end(id: string, exit: RuntimeExit, problem: string): void {
    const start = this.#starts.get(id);
    this.#starts.delete(id);
    start?.opened(undefined);
    start?.runs({ problem });
    start?.ends(exit);
  }

  /** What it says first is which start it is of; what follows is the container's. */
  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.once('readable', () => {
      const said = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
      const end = said.indexOf('\n');
      const start = this.#starts.get(said.toString('latin1', 0, Math.max(end, 0)));
      if (!start) return socket.destroy();
      if (end + 1 < said.length) socket.unshift(said.subarray(end + 1));
      start.opened(socket);
    });
  }
}

/** The exit of a program, of what `wait` says: the signal in the lowest bits, above them the code. */
function exitOf(status: number): RuntimeExit {
  const number = status & 127;
  if (number === 0) return { code: status >> 8, signal: null };
  const [name] = Object.entries(constants.signals).find(([, each]) => each === number) ?? [];
  return { code: null, signal: (name ?? 'SIGKILL') as NodeJS.Signals };
}

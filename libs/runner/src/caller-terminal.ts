import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ReadStream, WriteStream } from 'node:tty';

import { InteractiveTimeoutError, InvalidError } from '@gantry/protocol';

const LENT_WITHIN_MS = 30_000;

// Says which terminal it runs in, then that the terminal has another size, and ends when told to.
const TAKER = `
const socket = require('node:net').connect(process.argv[1]);
socket.on('error', () => process.exit(1)).on('close', () => process.exit(0)).resume();
socket.write(require('node:fs').readlinkSync('/proc/self/fd/0') + '\\n');
process.on('SIGWINCH', () => socket.write('resized\\n'));
`;

/** A terminal in this container that is connected to that of a person. */
interface Terminal {
  stdin: ReadStream;
  stdout: WriteStream;
  /** Gives it back. */
  release(): void;
}

/**
 * The terminal of whoever runs the app, lent to one input at a time. Whoever lends it runs a program in it, inside of
 * this container, which says where the terminal is; with the end of that program the terminal is gone.
 */
export class CallerTerminal {
  readonly #ask: (inputId: string, taker: string[]) => void;
  #borrower: string | undefined;
  #terminal: Promise<Terminal> | undefined;
  #output: WriteStream | undefined;
  #giveUp: AbortController | undefined;

  /** @param ask - Lets the person's side run this program in a terminal. */
  constructor(ask: (inputId: string, taker: string[]) => void) {
    this.#ask = ask;
  }

  /** Resolves when the input has the terminal. Harmless to repeat. */
  async lendTo(inputId: string): Promise<void> {
    if (this.#borrower !== undefined && this.#borrower !== inputId) {
      throw new InvalidError(`input "${this.#borrower}" of the same container has the terminal`, {
        hint: 'Let one input at a time call interact(), or leave out @concurrent.',
      });
    }
    this.#borrower = inputId;
    try {
      await (this.#terminal ??= this.#borrow(inputId));
    } catch (error) {
      this.end(inputId);
      throw error;
    }
  }

  /** Shows what an input prints, if it has the terminal. */
  show(inputId: string | undefined, text: string): boolean {
    if (inputId === undefined || inputId !== this.#borrower || !this.#output?.writable) return false;
    this.#output.write(text);
    return true;
  }

  /** The input has ended: the terminal goes back. */
  end(inputId: string): void {
    if (inputId !== this.#borrower) return;
    this.#giveUp?.abort();
    void this.#terminal?.then(
      (terminal) => terminal.release(),
      () => undefined,
    );
    this.#borrower = this.#terminal = this.#output = this.#giveUp = undefined;
  }

  async #borrow(inputId: string): Promise<Terminal> {
    const giveUp = (this.#giveUp = new AbortController());
    const folder = mkdtempSync(join(tmpdir(), 'gantry-terminal-'));
    const path = join(folder, 'taker.sock');
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
      this.#ask(inputId, [process.execPath, '-e', TAKER, path]);
      const taker = await takerOf(server, giveUp.signal);
      const terminal = await openTerminal(taker);
      if (giveUp.signal.aborted) terminal.release();
      else this.#output = terminal.stdout;
      return terminal;
    } finally {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

function takerOf(server: Server, givenUp: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new InteractiveTimeoutError(`nobody lent a terminal within ${LENT_WITHIN_MS / 1000} s`, {
          hint: 'Is the `gantry run -i` that started the app still there? It says if something is in its way.',
        }),
      );
    }, LENT_WITHIN_MS);
    givenUp.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new InvalidError('its input ended before it had the terminal'));
    });
    server.once('connection', (socket) => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

async function openTerminal(taker: Socket): Promise<Terminal> {
  taker.on('error', () => taker.destroy());
  const lines = createInterface(taker);
  const path = await new Promise<string>((resolve, reject) => {
    lines
      .once('line', resolve)
      .once('close', () => reject(new InteractiveTimeoutError('the terminal is gone')));
  });
  const open = (access: number): number => openSync(path, access | constants.O_NOCTTY);
  const stdin = new ReadStream(open(constants.O_RDONLY));
  const stdout = new WriteStream(open(constants.O_WRONLY));
  // A terminal that is gone is the end of what can be read, and no failure of the code that still writes to it.
  stdin.on('error', () => stdin.push(null));
  stdout.on('error', () => stdout.destroy());
  const restore = replaceStreams(stdin, stdout);
  lines.on('line', () => (stdout as unknown as { _refreshSize(): void })._refreshSize());
  taker.once('close', () => {
    stdin.push(null);
    stdout.destroy();
  });
  const release = (): void => {
    restore();
    if (stdin.isRaw) stdin.setRawMode(false);
    stdin.destroy();
    stdout.destroy();
    taker.destroy();
  };
  return { stdin, stdout, release };
}

/** Puts streams in the place of those of this process, also for code that imported them by name. */
function replaceStreams(stdin: ReadStream, stdout: WriteStream): () => void {
  const names = ['stdin', 'stdout', 'stderr'] as const;
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(process, name)] as const);
  for (const name of names) {
    const stream = name === 'stdin' ? stdin : stdout;
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
  syncBuiltinESMExports();
  return () => {
    for (const [name, descriptor] of before) if (descriptor) Object.defineProperty(process, name, descriptor);
    syncBuiltinESMExports();
  };
}

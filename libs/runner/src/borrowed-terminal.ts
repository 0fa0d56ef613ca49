import { constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer, type Server, type Socket } from 'node:net';
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
export interface BorrowedTerminal {
  stdin: ReadStream;
  stdout: WriteStream;
  /** Gives it back. */
  release(): void;
}

export interface BorrowOptions {
  /** Where a socket may be meanwhile. What lies there is gone with the container. */
  folder: string;
  /** Aborted when nobody wants the terminal any more. */
  givenUp: AbortSignal;
}

/**
 * Waits for a terminal, and puts it in the place of the streams of this process.
 *
 * @param ask - Lets the person's side run this program in a terminal.
 * @throws InteractiveTimeoutError if nobody lends one, InvalidError when `givenUp` is aborted before.
 */
export async function borrowTerminal(
  ask: (taker: string[]) => void,
  { folder: parent, givenUp }: BorrowOptions,
): Promise<BorrowedTerminal> {
  // Short: the system takes no long path for a socket.
  const folder = mkdtempSync(join(parent, 'tty-'));
  const path = join(folder, 's');
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
    ask([process.execPath, '-e', TAKER, path]);
    return await openTerminal(await takerOf(server, givenUp));
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
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
    const giveUp = (): void => {
      clearTimeout(timer);
      reject(new InvalidError('its input ended before it had the terminal'));
    };
    if (givenUp.aborted) return giveUp();
    givenUp.addEventListener('abort', giveUp);
    server.once('connection', (socket) => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

async function openTerminal(taker: Socket): Promise<BorrowedTerminal> {
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

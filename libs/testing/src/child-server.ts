import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { GantryTimeoutError, InternalFailure } from '@gantry/protocol';

/** What a launcher needs to know about the program it starts. */
export interface ChildServerOptions {
  program: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** True once a line printed by the program, on either stream, says that it serves. */
  isReadyLine: (line: string) => boolean;
  /** Give up on a start after this long. @defaultValue 20_000 */
  timeoutMs?: number;
}

/** One running process of a server under test. */
export interface ChildServer {
  readonly pid: number;
  /** Ends it with SIGTERM, after 5 s with SIGKILL, and waits until it is gone. */
  stop(): Promise<void>;
  /** Ends it at once with SIGKILL, as a crash does. */
  kill(): void;
}

const STOP_GRACE_MS = 5_000;

// A test file that is interrupted must not leave servers behind.
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a program and resolves when it says that it is ready.
 *
 * @throws {@link InternalFailure} with what the program printed, when it ends before it is ready.
 * @throws {@link GantryTimeoutError} when it says nothing in time.
 */
export async function startChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const child = spawn(options.program, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  try {
    await whenReady(child, options);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    pid: child.pid ?? -1,
    stop: () => stop(child),
    kill: () => void child.kill('SIGKILL'),
  };
}

function whenReady(child: ChildProcess, options: ChildServerOptions): Promise<void> {
  const { program, isReadyLine, timeoutMs = 20_000 } = options;
  let printed = '';
  let unfinishedLine = '';
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new GantryTimeoutError(`"${program}" was not ready after ${timeoutMs} ms`, { hint: tail(printed) }),
      );
    }, timeoutMs);
    const onText = (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      printed = (printed + text).slice(-20_000);
      const lines = (unfinishedLine + text).split('\n');
      unfinishedLine = lines.pop() ?? '';
      if (!lines.some(isReadyLine)) return;
      clearTimeout(timer);
      drain(child);
      resolve();
    };
    child.stdout?.on('data', onText);
    child.stderr?.on('data', onText);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new InternalFailure(`"${program}" could not be started`, { cause }));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(
        new InternalFailure(`"${program}" ended with code ${code} before it was ready`, {
          hint: tail(printed),
        }),
      );
    });
  });
}

// The pipes must be read on, or the program blocks once they are full.
function drain(child: ChildProcess): void {
  for (const stream of [child.stdout, child.stderr]) {
    stream?.removeAllListeners('data');
    stream?.resume();
  }
}

function tail(printed: string): string {
  return `It printed: ${printed.trim().split('\n').slice(-10).join('\n') || 'nothing'}`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await closed;
  clearTimeout(timer);
}

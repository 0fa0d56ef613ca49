import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';

import { BuildError, GantryTimeoutError } from '@gantry/protocol';

export interface ToolOptions {
  /** @defaultValue that of this process */
  env?: NodeJS.ProcessEnv | undefined;
  /** @defaultValue that of this process */
  cwd?: string | undefined;
  /** Told each line of both outputs as it comes. */
  onLine?: ((line: string) => void) | undefined;
  /** Ends the program and everything it started. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** Comes after what else wants the CPU, but gets some. @defaultValue false */
  isIdle?: boolean | undefined;
  /** What the program writes to its standard output, instead of lines. */
  stdout?: ((output: Readable) => Promise<void>) | undefined;
}

/** So long a program may clean up after it was asked to end. */
const END_GRACE_MS = 3_000;
const KEPT_LINES = 20;
const IDLE = ['nice', '-n', '5'];
const LONGEST_LINE = 4_000;
const DISK_FULL = /no space left on device/i;

/**
 * Runs a program to its end; resolves with its standard output.
 *
 * @throws BuildError with its last lines if it fails, GantryTimeoutError, or the reason of the signal.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { signal, timeoutMs } = options;
  signal?.throwIfAborted();
  const child = start(program, args, options);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  const last: string[] = [];
  let isDiskFull = false;
  const hear = (line: string) => {
    isDiskFull ||= DISK_FULL.test(line);
    last.push(line.slice(0, LONGEST_LINE));
    if (last.length > KEPT_LINES) last.shift();
    options.onLine?.(line);
  };
  const output: string[] = [];
  const end = new Ending(child.pid);
  const onAbort = () => end.begin();
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => end.begin('timeout'), timeoutMs);
  try {
    const reads = options.stdout
      ? options.stdout(child.stdout)
      : readLines(child.stdout, (line) => {
          output.push(line);
          hear(line);
        });
    const [code] = await Promise.all([ended, reads, readLines(child.stderr, hear)]);
    signal?.throwIfAborted();
    if (end.reason === 'timeout') throw tookTooLong(timeoutMs ?? 0, last);
    if (code !== 0) throw failed(code, last, isDiskFull);
    return output.join('\n');
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? notThere(program) : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    end.settle();
  }
}

function start(
  program: string,
  args: readonly string[],
  { env = process.env, cwd, isIdle = false }: ToolOptions,
): ChildProcessByStdio<null, Readable, Readable> {
  const [first = program, ...words] = [...(isIdle ? IDLE : []), program, ...args];
  return spawn(first, words, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Asks a program and what it started to end, and kills what does not. */
class Ending {
  reason: 'timeout' | undefined;
  readonly #group: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(group: number | undefined) {
    this.#group = group;
  }

  begin(reason?: 'timeout'): void {
    this.reason = reason;
    this.#kill('SIGTERM');
    this.#timer = setTimeout(() => this.#kill('SIGKILL'), END_GRACE_MS);
  }

  settle(): void {
    clearTimeout(this.#timer);
  }

  #kill(name: NodeJS.Signals): void {
    try {
      if (this.#group !== undefined) process.kill(-this.#group, name);
    } catch {
      // Gone already.
    }
  }
}

async function readLines(source: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  for await (const chunk of source.setEncoding('utf8')) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(shown(line));
  }
  if (rest !== '') onLine(shown(rest));
}

/** What a terminal would show in the end of a line that was written over. */
function shown(line: string): string {
  return line.trimEnd().split('\r').at(-1) ?? '';
}

function failed(code: number | null, lastLines: readonly string[], isDiskFull: boolean): BuildError {
  const how = code === null ? 'was killed' : `ended with code ${code}${signalOf(code)}`;
  const details = { lastLines: [...lastLines] };
  if (!isDiskFull) return new BuildError(how, { details });
  return new BuildError(`${how}, as its disk is full`, {
    details,
    hint: 'Free some on the machine that builds images, or write less, and deploy again: the steps before it are kept.',
  });
}

/** The signal that a code above 128 stands for, as shells and init programs count. */
function signalOf(code: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === code - 128);
  return found ? ` (${found[0]})` : '';
}

/** @throws BuildError if a program that is named by its path is not there */
export function requireProgram(path: string): void {
  if (!existsSync(path)) throw notThere(path);
}

function tookTooLong(timeoutMs: number, lastLines: readonly string[]): GantryTimeoutError {
  return new GantryTimeoutError(`took longer than ${Math.round(timeoutMs / 1000)} s`, {
    details: { lastLines: [...lastLines] },
  });
}

function notThere(program: string): BuildError {
  return new BuildError(`the program "${program}" is not on this machine`, {
    hint: 'Images are built with buildah, runc, mmdebstrap, slirp4netns and tini: install them, or deploy to a server that has them.',
  });
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';

import { ContainerError } from '@gantry/protocol';

import type { ExecEnd, ExecOptions, ExecProcess, TerminalSize } from '../container-driver.ts';
import { handOver, type OutputPipes } from '../pipes.ts';
import { sessionMembers } from '../process-identity.ts';
import { TerminalResizer } from './terminal-resizer.ts';
import { toolPath } from './tool-path.ts';

const DEFAULT_TERM = 'xterm-256color';
const TERMINAL_REPORT_FD = 3;

export interface HostProcessOptions {
  command: readonly string[];
  /** Its whole environment. */
  env: Readonly<Record<string, string>>;
  terminal: ExecOptions['terminal'];
  /** What it writes to, where it has no terminal. @defaultValue sockets */
  pipes?: OutputPipes | undefined;
}

/** A program of this machine with pipes, or in a terminal of its own, which `script` of util-linux holds. */
export class HostProcess implements ExecProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ExecEnd>;
  readonly #child: ChildProcess;
  /** The program: the child itself, or what it runs in its terminal. Leads a session in both cases. */
  readonly #pid: number;
  readonly #resizer: TerminalResizer | undefined;
  #ended = false;

  private constructor(child: StartedChild, place?: TerminalPlace) {
    this.#child = child.child;
    this.#pid = place?.pid ?? (child.child.pid as number);
    this.#resizer = place && new TerminalResizer(place.path);
    ({ stdin: this.stdin, stdout: this.stdout, stderr: this.stderr, exited: this.exited } = child);
    void this.exited.then(() => (this.#ended = true));
    // A program may end without having read all that it was sent.
    this.stdin.on('error', () => undefined);
  }

  /** @throws {@link ContainerError} if it cannot be started. */
  static async spawn(options: HostProcessOptions): Promise<HostProcess> {
    const { terminal, pipes } = options;
    const [program = '', ...args] = terminal ? inTerminal(options.command, terminal) : options.command;
    const child = spawn(program, args, {
      env: terminal ? { ...options.env, TERM: terminal.term ?? DEFAULT_TERM, SHELL: '/bin/sh' } : options.env,
      detached: true,
      stdio: terminal
        ? ['pipe', 'pipe', 'pipe', 'pipe']
        : ['pipe', ...(pipes?.map(({ theirs }) => theirs) ?? (['pipe', 'pipe'] as const))],
    });
    if (pipes) handOver(pipes);
    if (child.pid === undefined) throw notStarted(program, await new Promise((r) => child.once('error', r)));
    const started = watched(child, pipes);
    return new HostProcess(started, terminal && (await terminalPlaceOf(child)));
  }

  get pid(): number {
    return this.#pid;
  }

  resize(size: TerminalSize): void {
    if (!this.#ended) this.#resizer?.resize(size);
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#ended) send(this.#pid, name);
  }

  kill(): void {
    if (this.#ended) return;
    for (const pid of sessionMembers(this.#pid)) send(pid, 'SIGKILL');
    send(-this.#pid, 'SIGKILL');
    // The holder of a terminal ends with the program in it.
  }
}

interface StartedChild {
  child: ChildProcess;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  exited: Promise<ExecEnd>;
}

// At once: when a child exits, Node throws away what nobody reads of its streams.
function watched(child: ChildProcess, pipes: OutputPipes | undefined): StartedChild {
  const exited = endOf(child);
  const stdin = child.stdin as Writable;
  if (pipes) {
    const [stdout, stderr] = pipes;
    return { child, stdin, stdout: stdout.ours, stderr: stderr.ours, exited };
  }
  const kept = (stream: Readable | null): Readable => (stream as Readable).pipe(new PassThrough());
  return { child, stdin, stdout: kept(child.stdout), stderr: kept(child.stderr), exited };
}

/** Where the program in a terminal is. */
interface TerminalPlace {
  pid: number;
  /** The terminal's device. */
  path: string;
}

/** The command that runs another one in a new terminal, and tells over a descriptor where. */
function inTerminal(command: readonly string[], { rows, columns }: TerminalSize): string[] {
  const inner = [
    `${toolPath('stty')} echo iutf8 rows ${Math.trunc(rows)} cols ${Math.trunc(columns)}`,
    `echo "$$ $(${toolPath('tty')})" >&${TERMINAL_REPORT_FD}`,
    `exec ${TERMINAL_REPORT_FD}>&-`,
    'exec "$@"',
  ].join('; ');
  const line = ['exec', '/bin/sh', '-c', inner, 'sh', ...command].map(quoted).join(' ');
  return [toolPath('script'), '--quiet', '--return', '--flush', '--command', line, '/dev/null'];
}

function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function terminalPlaceOf(child: ChildProcess): Promise<TerminalPlace> {
  const report = child.stdio[TERMINAL_REPORT_FD] as Readable;
  // One line; the holder of the terminal keeps the descriptor open.
  const [line] = (await Promise.race([once(report, 'data'), once(report, 'end')])) as [Buffer?];
  report.destroy();
  const found = /^(?<pid>\d+) (?<path>\/dev\/\S+)\n$/.exec(line?.toString() ?? '')?.groups;
  if (found?.['pid'] && found['path']) return { pid: Number(found['pid']), path: found['path'] };
  child.kill('SIGKILL');
  throw new ContainerError('this machine gave no terminal', {
    hint: 'Try without one (--no-pty), or see whether `script -qec true /dev/null` works on the worker.',
  });
}

async function endOf(child: ChildProcess): Promise<ExecEnd> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return { code, signal };
}

function notStarted(program: string, cause: unknown): ContainerError {
  const hint =
    basename(program) === 'script'
      ? 'Terminals need `script` of util-linux (Debian: bsdutils) on the worker; without one: --no-pty.'
      : 'See the log of the worker.';
  return new ContainerError(`the program "${program}" could not be started`, { cause, hint });
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

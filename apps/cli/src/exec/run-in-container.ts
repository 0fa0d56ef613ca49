import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';

import type { ExecRequest, GantryError } from '@gantry/protocol';
import { ExecConnection, type Connection, type ExecResult } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../command.ts';
import { rawKeyboard, type Keyboard } from './raw-keyboard.ts';

export interface ProgramRun {
  connection: Connection;
  /** Where the container is reached, or made: a path of the API. */
  path: string;
  command: string[];
  /** In a terminal. @defaultValue where this process reads from one and writes to one */
  pty: boolean | undefined;
  /** @defaultValue those of this process */
  streams?: ProgramStreams | undefined;
}

/** Where what is typed comes from, and where what the program writes goes. */
export interface ProgramStreams {
  stdin: Readable & Keyboard;
  stdout: Writable & Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'rows'>>;
  stderr: Writable;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const DEFAULT_SIZE = { columns: 80, rows: 24 };

/**
 * Runs a program in a container with the terminal, or the streams, of this process as its own.
 *
 * @returns its exit code; 128 and the number of a signal that ended it, or this process.
 * @throws what kept it from running; ConnectionError if the way to it was lost.
 */
export async function runInContainer(context: CommandContext, run: ProgramRun): Promise<number> {
  const { streams = process } = run;
  const { stdin, stdout } = streams;
  const isTerminal = run.pty ?? (stdin.isTTY === true && stdout.isTTY === true);
  const program = connect(run, streams, isTerminal ? terminalOf(context, stdout) : undefined);
  using stop = signalsTo(program);
  using _input = inputTo(program, stdin);
  try {
    const ended = isTerminal ? endInTerminal(program, streams) : program.ended;
    const { code, signal, containerEnded } = await ended;
    if (containerEnded) context.terminal.note('The container has ended.');
    return code ?? signalCode(signal);
  } catch (error) {
    if (stop.by !== undefined) return signalCode(stop.by);
    throw error;
  }
}

/** Gives the program the keys and the size of this terminal while it runs. */
async function endInTerminal(
  program: ExecConnection,
  { stdin, stdout }: ProgramStreams,
): Promise<ExecResult> {
  const onResize = () => program.resize(sizeOf(stdout));
  using _keys = rawKeyboard(stdin);
  stdout.on('resize', onResize);
  try {
    return await program.ended;
  } catch (error) {
    // What the program showed last may have been half a line.
    stdout.write('\r\n');
    throw error;
  } finally {
    stdout.off('resize', onResize);
  }
}

function connect(
  { connection, path, command }: ProgramRun,
  streams: ProgramStreams,
  terminal: ExecRequest['terminal'],
): ExecConnection {
  const { serverUrl, token } = connection;
  return new ExecConnection({
    url: serverUrl.replace(/^http/, 'ws') + path,
    token,
    request: { command, terminal },
    diagnose: () =>
      new ApiClient(connection).hello().then(
        () => undefined,
        (error: unknown) => error as GantryError,
      ),
    onOutput: (stream, data) =>
      new Promise((resolve, reject) => {
        streams[stream].write(data, (error) => (error ? reject(error) : resolve()));
      }),
  });
}

function terminalOf({ env }: CommandContext, stdout: ProgramStreams['stdout']): ExecRequest['terminal'] {
  const term = env['TERM'];
  return {
    ...sizeOf(stdout),
    ...(term !== undefined && /^[\w.+-]{1,64}$/.test(term) ? { term } : {}),
  };
}

function sizeOf({ columns, rows }: { columns?: number; rows?: number }): { columns: number; rows: number } {
  // A terminal that knows no size says 0.
  return { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
}

/** Sends what comes, as fast as it is taken, until disposed of: what comes later is for others. */
function inputTo(program: ExecConnection, input: Readable): Disposable {
  const onData = (data: Buffer): void => {
    input.pause();
    program.write(data).then(
      () => isSending && input.resume(),
      () => program.end(),
    );
  };
  // Standard input that cannot be read has ended.
  const onEnd = (): void => program.end();
  let isSending = true;
  if (input.readableEnded || input.destroyed) onEnd();
  input.on('data', onData).on('end', onEnd).on('error', onEnd).resume();
  return {
    [Symbol.dispose]: () => {
      isSending = false;
      input.off('data', onData).off('end', onEnd).off('error', onEnd).pause();
    },
  };
}

/** The first Ctrl-C is the program's; a second one, and other signals, end it and this process. */
function signalsTo(program: ExecConnection): Disposable & { readonly by: NodeJS.Signals | undefined } {
  let isInterrupted = false;
  let by: NodeJS.Signals | undefined;
  const listener = (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT' && !isInterrupted) {
      isInterrupted = true;
      program.signal(signal);
      return;
    }
    by = signal;
    program.close();
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    get by() {
      return by;
    },
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    },
  };
}

function signalCode(signal: string | null): number {
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

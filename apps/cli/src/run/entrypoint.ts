// The process in which `gantry run` executes the user's code on this machine: it imports the built bundle, runs a local
// entrypoint or calls a function of the running app, and prints the result. Errors of the user's code are printed with
// their stack; the exit code says how it went.
import { inspect } from 'node:util';

import { isGantryError } from '@gantry/protocol';
import { Cls, RemoteFunction } from 'gantry';
import { registeredApps } from 'gantry/internal';

import { errorText } from '../error-text.ts';
import { EXIT_CODES, exitCodeOf } from '../exit-code.ts';
import { reportError } from '../report-error.ts';
import { createTerminal } from '../terminal/terminal.ts';
import { borrowScreen } from './borrowed-screen.ts';
import type { RunRequest } from './run-request.ts';
import { writeResult } from './write-result.ts';

const terminal = createTerminal({ stdout: process.stdout, stderr: process.stderr, env: process.env });

process.once('message', (request: RunRequest) => {
  // The channel stays to tell of the end of `gantry run`, however it ends, but does not keep this process alive.
  process.channel?.unref();
  process.once('disconnect', () => process.exit(EXIT_CODES.interrupted));
  if (request.showsMaps) borrowScreen();
  execute(request).then(exit, (error: unknown) => {
    if (isGantryError(error)) reportError(error, terminal, process.env);
    else terminal.note(error instanceof Error ? errorText(error) : `thrown: ${inspect(error)}`);
    void exit(isGantryError(error) ? exitCodeOf(error) : EXIT_CODES.failed);
  });
});
process.send?.('ready');

async function execute(request: RunRequest): Promise<number> {
  process.setSourceMapsEnabled(true);
  await import(request.bundleUrl);
  const { target } = request;
  const args = trimmed(request.args);
  if (target.type === 'entrypoint') {
    const result = await findEntrypoint(target.name)(...args);
    if (request.resultPath !== undefined) await writeResult(request.resultPath, result);
    return EXIT_CODES.ok;
  }
  const remote = remoteFunction(target);
  if (target.isGenerator)
    for await (const value of remote.remoteGen(...args)) terminal.out(toJsonLine(value));
  else if (request.resultPath === undefined) print(await remote.remote(...args));
  else await writeResult(request.resultPath, await remote.remote(...args));
  return EXIT_CODES.ok;
}

function findEntrypoint(name: string): (...args: unknown[]) => unknown {
  for (const app of registeredApps()) {
    const found = app.entrypoints.find((entrypoint) => entrypoint.name === name);
    if (found) return found.fn as (...args: unknown[]) => unknown;
  }
  throw new TypeError(`the bundle registers no entrypoint "${name}"`);
}

type FunctionRequest = Extract<RunRequest['target'], { type: 'function' }>;

function remoteFunction({ appId, name, kind, method, parameters }: FunctionRequest): RemoteFunction {
  if (kind === 'function') return RemoteFunction.fromName(appId, name);
  const instance = Cls.fromName(appId, name).instance(parameters) as Record<string, RemoteFunction>;
  const found = instance[method];
  if (found) return found;
  throw new TypeError(`class "${name}" has no method "${method}"`);
}

function print(value: unknown): void {
  if (value === undefined) return;
  terminal.out(
    typeof value === 'string' ? value : inspect(value, { depth: 6, colors: process.stdout.isTTY }),
  );
}

// What JSON has no form for is shown as well as it can be.
function toJsonLine(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return JSON.stringify(inspect(value));
  }
}

/** Parameters that were not given at the end are left out, so that a function sees its real `arguments.length`. */
function trimmed(args: readonly unknown[]): unknown[] {
  let length = args.length;
  while (length > 0 && args[length - 1] === undefined) length -= 1;
  return args.slice(0, length);
}

/** Ends the process once everything it printed is out, even if the user's code left timers or connections open. */
async function exit(code: number): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise((resolve) => stream.write('', resolve));
  process.exit(code);
}

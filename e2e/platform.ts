import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { temporaryDirectory } from '@gantry/testing';

export const REPOSITORY = join(import.meta.dirname, '..');
const CLI = join(REPOSITORY, 'dist/cli.mjs');
const NX = join(REPOSITORY, 'node_modules/.bin/nx');

/** What `gantry up --json` prints when it is ready. */
export interface ReadyLine {
  pid: number;
  serverUrl: string;
  gatewayUrl: string;
  caPath: string;
  dataDir: string;
  nats: { version: string; durability: string; pid: number };
}

/** A whole platform in a data directory of its own. */
export interface Platform extends AsyncDisposable {
  readonly ready: ReadyLine;
  readonly child: ChildProcess;
  /** Points the SDK, the CLI and Nx to this platform. */
  readonly env: { GANTRY_DATA_DIR: string };
}

export interface StartOptions {
  dataDir?: string;
  flags?: string[];
  /** What its environment has besides that of the tests. */
  env?: Record<string, string>;
}

/** Starts `gantry up` as a user would, with further flags if there are any. */
export async function startPlatform(options: StartOptions = {}): Promise<Platform> {
  const directory = options.dataDir ? undefined : await temporaryDirectory('gantry-e2e-');
  const dataDir = options.dataDir ?? directory?.path ?? '';
  const { child, ready } = await startUp(['--data-dir', dataDir, ...(options.flags ?? [])], options.env);
  return {
    ready,
    child,
    env: { GANTRY_DATA_DIR: dataDir },
    async [Symbol.asyncDispose]() {
      await end(child, 'SIGTERM');
      await directory?.remove();
    },
  };
}

async function startUp(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; ready: ReadyLine }> {
  const child = spawn(process.execPath, [CLI, 'up', '--port', '0', '--https-port', '0', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: cleanEnv({ GANTRY_CACHE_DIR: join(REPOSITORY, '.tools/cache/machine'), ...env }),
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`gantry up ended with ${String(code)} before it was ready`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
  ended.catch(() => {});
  return { child, ready: JSON.parse(line) as ReadyLine };
}

/** Signals a process that this test started, and waits for its end. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  return child.exitCode;
}

export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `gantry` to its end. */
export function runCli(
  args: string[],
  env: Record<string, string>,
  cwd = REPOSITORY,
): Promise<ProgramResult> {
  return runNode([CLI, ...args], env, cwd);
}

/** Runs an Nx target to its end. */
export function runNx(target: string, env: Record<string, string>): Promise<ProgramResult> {
  return runNode([NX, 'run', target], { NX_DAEMON: 'false', NX_TUI: 'false', ...env }, REPOSITORY);
}

/** Runs a program of the user with plain Node. */
export function runProgram(
  args: string[],
  env: Record<string, string>,
  cwd = REPOSITORY,
): Promise<ProgramResult> {
  return runNode(['--no-warnings', ...args], env, cwd);
}

/** Starts `gantry` and leaves it running. */
export function spawnCli(args: string[], env: Record<string, string>): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], { cwd: REPOSITORY, env: cleanEnv(env) });
}

async function runNode(args: string[], env: Record<string, string>, cwd: string): Promise<ProgramResult> {
  const child = spawn(process.execPath, args, { cwd, env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] });
  const result: ProgramResult = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text));
  [result.code] = (await once(child, 'close')) as [number | null];
  return result;
}

function cleanEnv(env: Record<string, string>): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _colour, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: '1', GANTRY_BASES_AHEAD: 'no', ...env };
}

export interface HttpsAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface HttpsRequest {
  url: string;
  caPath: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array;
}

/** Sends one request with the certificate verified; names below `.localhost` are this machine. */
export async function fetchHttps({
  url,
  caPath,
  method = 'GET',
  headers = {},
  body,
}: HttpsRequest): Promise<HttpsAnswer> {
  const ca = await readFile(caPath);
  const sized = body ? { ...headers, 'content-length': String(body.length) } : headers;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      url,
      { method, headers: sized, ca, lookup: toLoopback, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        );
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}

const toLoopback: LookupFunction = (_host, options, done) => {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

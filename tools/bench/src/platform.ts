import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import { end, firstLine, run, temporaryDirectory } from './processes.ts';

export const REPOSITORY = join(import.meta.dirname, '../../..');
export const CLI = join(REPOSITORY, 'dist/cli.mjs');

export interface Platform extends AsyncDisposable {
  pid: number;
  /** Where its data is. */
  directory: string;
  gatewayUrl: string;
  /** Environment for clients and the CLI. */
  env: Record<string, string>;
}

/**
 * Starts `gantry up` in a fresh data directory. `synced` writes every message to disk before it counts. Containers are
 * plain processes, so that what the platform costs is told from what a kernel's isolation costs.
 */
export async function startPlatform(options: {
  synced: boolean;
  /** @defaultValue 'process' */
  driver?: 'process' | 'runc';
  /** Further flags. @defaultValue none */
  flags?: readonly string[];
}): Promise<Platform> {
  const directory = await temporaryDirectory();
  const args = ['up', '--json', '--data-dir', directory.path, '--port', '0', '--https-port', '0'];
  if (!options.synced) args.push('--no-sync');
  args.push('--driver', options.driver ?? 'process', ...(options.flags ?? []));
  const child: ChildProcess = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, GANTRY_LOG_LEVEL: 'warn', GANTRY_BASES_AHEAD: 'no' },
  });
  await firstLine(child);
  const connection = JSON.parse(await readFile(join(directory.path, 'connection.json'), 'utf8')) as {
    gatewayUrl: string;
  };
  if (child.pid === undefined) throw new TypeError('gantry up has no process id');
  return {
    pid: child.pid,
    directory: directory.path,
    gatewayUrl: connection.gatewayUrl,
    env: { GANTRY_DATA_DIR: directory.path },
    async [Symbol.asyncDispose]() {
      await end(child);
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Deploys an app as a user does; resolves with what was printed about it. */
export async function deploy(what: string[], env: Record<string, string>): Promise<{ stderr: string }> {
  const child = spawn(process.execPath, [CLI, 'deploy', ...what], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
  });
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  if (code !== 0) throw new Error(`"${what.join(' ')}" was not deployed:\n${stderr}`);
  return { stderr };
}

/** Builds into a folder, as Nx does it before it deploys. */
export async function build(entry: string, folder: string, env: Record<string, string>): Promise<void> {
  await run(process.execPath, [CLI, 'build', entry, '--out', folder], { env });
}

/** Deploys the benchmark app; resolves with the web address of its endpoint. */
export async function deployBenchApp(platform: Platform): Promise<string> {
  const entry = join(import.meta.dirname, 'app/app.ts');
  const output = await run(process.execPath, [CLI, 'deploy', entry, '--json'], { env: platform.env });
  const reply = JSON.parse(output) as { functions: { name: string; urls: Record<string, string> }[] };
  const url = Object.values(reply.functions.find((found) => found.name === 'hello')?.urls ?? {})[0];
  if (url === undefined) throw new Error(`the deployment has no web address: ${output}`);
  return url;
}

/** How many containers a function of the benchmark app has now. */
export async function containersOf(platform: Platform, functionName: string): Promise<number> {
  const output = await run(process.execPath, [CLI, 'container', 'list', '--json'], { env: platform.env });
  const containers = JSON.parse(output) as { functionName: string; state: string }[];
  return containers.filter((found) => found.functionName === functionName && found.state !== 'stopped')
    .length;
}

/** Waits until a function of the benchmark app has no container. */
export async function untilScaledToZero(platform: Platform, functionName: string): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 500) {
    if ((await containersOf(platform, functionName)) === 0) return;
    await delay(500);
  }
  throw new Error(`"${functionName}" did not scale to zero within 60 s`);
}

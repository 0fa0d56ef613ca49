import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { freePort, startNats, temporaryDirectory, type TestNats } from '@gantry/testing';

const REPOSITORY = join(import.meta.dirname, '../..');
const CLI = join(REPOSITORY, 'dist/cli.mjs');
const TOKEN = 'token-of-the-fault-tests';

/** One program of the platform in a process of its own, which a test may kill. */
export class Part {
  #child: ChildProcess | undefined;
  readonly #args: string[];

  constructor(args: string[]) {
    this.#args = args;
  }

  /** Starts the program and waits until it says that it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [CLI, ...this.#args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, GANTRY_LOG_LEVEL: 'silent' },
    });
    this.#child = child;
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`gantry ${this.#args[0]} ended with ${code} before it was ready`);
    });
    await Promise.race([once(child.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    child.stdout.resume();
  }

  /** What the kernel does when memory runs out, or a machine loses power: no goodbye. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

export interface Cluster extends AsyncDisposable {
  nats: TestNats;
  server: Part;
  workers: [Part, Part];
  /** For the SDK and the CLI. */
  env: { GANTRY_SERVER_URL: string; GANTRY_TOKEN: string };
}

/** A platform on one machine with every role in a process of its own, and two workers. */
export async function startCluster(): Promise<Cluster> {
  const directory = await temporaryDirectory('gantry-faults-');
  const nats = await startNats({ syncAlways: true, storeDir: join(directory.path, 'nats') });
  const port = await freePort();
  const dataDir = (name: string) => join(directory.path, name);
  const blobs = dataDir('server/blobs');
  await mkdir(blobs, { recursive: true });
  const server = new Part([
    ...['server', '--nats', nats.url, '--data-dir', dataDir('server')],
    ...['--port', String(port), '--token', TOKEN],
  ]);
  const makeWorker = async (name: string) => {
    // Workers on other machines would share an S3 store; here they share the server's folder.
    await mkdir(dataDir(name), { recursive: true });
    await symlink(blobs, join(dataDir(name), 'blobs'));
    return new Part(['worker', '--nats', nats.url, '--data-dir', dataDir(name)]);
  };
  const workers: [Part, Part] = [await makeWorker('worker-1'), await makeWorker('worker-2')];
  await server.start();
  await Promise.all(workers.map((worker) => worker.start()));
  return {
    nats,
    server,
    workers,
    env: { GANTRY_SERVER_URL: `http://127.0.0.1:${port}`, GANTRY_TOKEN: TOKEN },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await server.stop();
      await nats.stop();
      await directory.remove();
    },
  };
}

/** Runs the CLI to its end. Fails with what it printed if it does. */
export async function runCli(args: string[], env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: REPOSITORY,
    env: { ...process.env, ...env },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`gantry ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

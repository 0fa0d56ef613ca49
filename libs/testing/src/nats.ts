import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFoundError } from '@gantry/protocol';
import { type ChildServer, startChildServer } from './child-server.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** How {@link startNats} starts the server. */
export interface StartNatsOptions {
  /** Sync every acknowledged write to disk, as production does on one node. @defaultValue false */
  syncAlways?: boolean;
  /** Directory of the streams. Kept by `stop`. @defaultValue a temporary directory that `stop` removes */
  storeDir?: string;
  /** TCP port on the loopback address. @defaultValue a free one */
  port?: number;
}

/** A real `nats-server` with JetStream, owned by one test. */
export interface TestNats extends AsyncDisposable {
  /** What clients connect to, for example `nats://127.0.0.1:41234`; the same after a restart. */
  readonly url: string;
  /** Process id of the present process; another one after a restart. */
  readonly pid: number;
  /** Ends the server and removes its temporary files. */
  stop(): Promise<void>;
  /** Ends the server at once with SIGKILL, as a crash does; its files stay for `restart`. */
  kill(): void;
  /** Starts the server again on the same port and files, after ending it if it still runs. */
  restart(): Promise<void>;
}

const READY = /Server is ready/;

/**
 * Starts a `nats-server` with JetStream on a free loopback port.
 * The program comes from `GANTRY_NATS_SERVER`, else `.tools/bin`, else `PATH`.
 *
 * @throws {@link NotFoundError} when there is no `nats-server`.
 *
 * @example
 * ```ts
 * await using nats = await startNats();
 * const messaging = await connectMessaging({ url: nats.url, name: 'test' });
 * ```
 */
export async function startNats(options: StartNatsOptions = {}): Promise<TestNats> {
  const program = findProgram('nats-server', 'GANTRY_NATS_SERVER');
  if (program === undefined) {
    throw new NotFoundError('the program "nats-server" was not found', {
      hint: 'Run `npm run build` once: it installs nats-server into .tools/bin. Or set GANTRY_NATS_SERVER.',
    });
  }
  const directory = await temporaryDirectory('gantry-nats-');
  const port = options.port ?? (await freePort());
  const configPath = join(directory.path, 'nats.conf');
  const storeDir = options.storeDir ?? join(directory.path, 'store');
  await mkdir(storeDir, { recursive: true });
  await writeFile(configPath, natsConfig({ port, storeDir, syncAlways: options.syncAlways ?? false }));
  const launch = () => startChildServer({ program, args: ['-c', configPath], isReadyLine: isReady });
  let server: ChildServer;
  try {
    server = await launch();
  } catch (error) {
    await directory.remove();
    throw error;
  }
  const stop = async () => {
    await server.stop();
    await directory.remove();
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return server.pid;
    },
    stop,
    kill: () => server.kill(),
    restart: async () => {
      await server.stop();
      server = await launch();
    },
    [Symbol.asyncDispose]: stop,
  };
}

function isReady(line: string): boolean {
  return READY.test(line);
}

function natsConfig(options: { port: number; storeDir: string; syncAlways: boolean }): string {
  return [
    'host: "127.0.0.1"',
    `port: ${options.port}`,
    'max_payload: 8MB',
    'jetstream {',
    `  store_dir: ${JSON.stringify(options.storeDir)}`,
    ...(options.syncAlways ? ['  sync_interval: always'] : []),
    '}',
    '',
  ].join('\n');
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NotFoundError } from '@gantry/protocol';
import { type ChildServer, startChildServer } from './child-server.ts';
import { findProgram } from './find-program.ts';
import { freePort } from './free-port.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { waitUntil } from './wait-until.ts';

/** A real MinIO server, owned by one test. */
export interface TestMinio extends AsyncDisposable {
  /** What S3 clients connect to, for example `http://127.0.0.1:41234`; the same after a restart. */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Directory in which MinIO keeps its objects, for tests that damage them. */
  readonly dataDir: string;
  /** Process id of the present process; another one after a restart. */
  readonly pid: number;
  /** Ends the server and removes its objects. */
  stop(): Promise<void>;
  /** Ends the server at once with SIGKILL, as a crash does; its objects stay for `restart`. */
  kill(): void;
  /** Starts the server again on the same port and objects, after ending it if it still runs. */
  restart(): Promise<void>;
}

const ACCESS_KEY = 'gantry-test';
const SECRET_KEY = 'gantry-test-secret';
let hasWarned = false;

/** Where the `minio` program is: `GANTRY_MINIO`, else `.tools/bin`, else `PATH`; undefined when nowhere. */
export function findMinio(): string | undefined {
  return findProgram('minio', 'GANTRY_MINIO');
}

/**
 * Whether a MinIO server can be started here. When it cannot, says so loudly once on the console, so that a
 * test which skips because of it is not overlooked.
 */
export function minioAvailable(): boolean {
  const available = findMinio() !== undefined;
  if (!available && !hasWarned) {
    hasWarned = true;
    console.warn(
      'SKIPPED: no "minio" program, so nothing is tested against a real S3 store. ' +
        'Install Go and run `npm test`, or set GANTRY_MINIO to the program.',
    );
  }
  return available;
}

export interface MinioOptions {
  /** Further settings, as MinIO reads them from its environment. */
  env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Starts a MinIO server on a free loopback port with an empty store.
 *
 * @throws {@link NotFoundError} when there is no `minio`; ask {@link minioAvailable} first.
 */
export async function startMinio({ env = {} }: MinioOptions = {}): Promise<TestMinio> {
  const program = findMinio();
  if (program === undefined) {
    throw new NotFoundError('the program "minio" was not found', {
      hint: 'Install Go and run `npm test`, or set GANTRY_MINIO to the program.',
    });
  }
  const directory = await temporaryDirectory('gantry-minio-');
  const dataDir = join(directory.path, 'data');
  await mkdir(dataDir);
  const ports = { api: await freePort(), console: await freePort() };
  const endpoint = `http://127.0.0.1:${ports.api}`;
  let server: ChildServer;
  try {
    server = await launch({ program, dataDir, ports, env });
  } catch (error) {
    await directory.remove();
    throw error;
  }
  const stop = async () => {
    await server.stop();
    await directory.remove();
  };
  return {
    endpoint,
    accessKey: ACCESS_KEY,
    secretKey: SECRET_KEY,
    dataDir,
    get pid() {
      return server.pid;
    },
    stop,
    kill: () => server.kill(),
    restart: async () => {
      await server.stop();
      server = await launch({ program, dataDir, ports, env });
    },
    [Symbol.asyncDispose]: stop,
  };
}

interface Launch {
  program: string;
  dataDir: string;
  ports: { api: number; console: number };
  env: Readonly<Record<string, string>>;
}

async function launch({ program, dataDir, ports, env }: Launch): Promise<ChildServer> {
  const server = await startChildServer({
    program,
    args: [
      'server',
      dataDir,
      `--address=127.0.0.1:${ports.api}`,
      `--console-address=127.0.0.1:${ports.console}`,
    ],
    env: {
      MINIO_ROOT_USER: ACCESS_KEY,
      MINIO_ROOT_PASSWORD: SECRET_KEY,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      MINIO_CALLHOME_ENABLE: 'off',
      ...env,
    },
    isReadyLine: (line) => line.includes('API:'),
  });
  try {
    const healthUrl = `http://127.0.0.1:${ports.api}/minio/health/ready`;
    await waitUntil(async () => (await fetch(healthUrl)).ok, { timeoutMs: 20_000, what: 'MinIO is ready' });
  } catch (error) {
    server.kill();
    throw error;
  }
  return server;
}

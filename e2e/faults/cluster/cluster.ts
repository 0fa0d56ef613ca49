import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import {
  freePort,
  startNats,
  TcpProxy,
  temporaryDirectory,
  type TestMinio,
  type TestNats,
} from '@gantry/testing';

import { runCli } from '../../platform.ts';
import { Part } from './part.ts';

const TOKEN = 'token-of-the-fault-tests';
/** Its containers write to files of this machine, and are killed by their process ids. */
const WORKER = ['worker', '--driver', 'process'];
/** Sockets of containers do not fit below it. */
export const LONG_FOLDER = 'a-folder-with-a-name-that-is-long-enough-for-sockets-to-need-another-place';

export interface ClusterOptions {
  /** @defaultValue 1 */
  servers?: number;
  /** @defaultValue false */
  gateway?: boolean;
  /** Where blobs are; not stopped with the cluster. @defaultValue a folder */
  minio?: TestMinio;
  /** Of what the programs log, into files. @defaultValue 'warn' */
  logLevel?: string;
}

/** A platform on one machine with every role in a process of its own, two workers, and networks that can be broken. */
export interface Cluster extends AsyncDisposable {
  readonly nats: TestNats;
  readonly minio: TestMinio | undefined;
  /** Where it keeps everything, logs in `logs` and temporary files in `tmp` included. Removed at the end. */
  readonly directory: string;
  readonly servers: [Part, ...Part[]];
  readonly workers: [Part, Part];
  readonly gateway: Part | undefined;
  /** The connections of each part with nats-server, by the part's name; those of clients with the servers are `clients`. */
  readonly links: ReadonlyMap<string, TcpProxy>;
  /** For the SDK and the CLI. */
  readonly env: { GANTRY_SERVER_URL: string; GANTRY_TOKEN: string };
  /** Stops all parts in order, as their users would; what it kept stays. */
  stop(): Promise<void>;
}

/** Starts a cluster, all parts ready. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const directory = await temporaryDirectory('gantry-faults-');
  const nats = await startNats({ syncAlways: true, storeDir: join(directory.path, 'nats') });
  const { minio, logLevel = 'warn' } = options;
  const builder = new PartBuilder({ directory: directory.path, nats, minio, logLevel });
  await builder.prepare();
  const ports = await Promise.all(Array.from({ length: options.servers ?? 1 }, freePort));
  const [firstServer, ...moreServers] = await Promise.all(
    ports.map((port, at) =>
      builder.build(`server-${at + 1}`, ['server', '--port', String(port), '--token', TOKEN]),
    ),
  );
  if (!firstServer) throw new RangeError('a cluster has at least one server');
  const clients = await TcpProxy.open(...ports);
  builder.links.set('clients', clients);
  const workers: [Part, Part] = [
    await builder.build('worker-1', WORKER),
    await builder.build('worker-2', WORKER, LONG_FOLDER),
  ];
  const gateway = options.gateway ? await builder.build('gateway', await gatewayArgs()) : undefined;
  const servers: [Part, ...Part[]] = [firstServer, ...moreServers];
  const parts = [...workers, ...(gateway ? [gateway] : []), ...servers];
  await firstServer.start();
  await Promise.all(parts.filter((part) => part !== firstServer).map((part) => part.start()));

  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    for (const part of parts) await part.stop();
    await nats.stop();
    await Promise.all([...builder.links.values()].map((link) => link.close()));
  };
  return {
    ...{ nats, minio, servers, workers, gateway, stop, links: builder.links, directory: directory.path },
    env: { GANTRY_SERVER_URL: `http://127.0.0.1:${clients.port}`, GANTRY_TOKEN: TOKEN },
    async [Symbol.asyncDispose]() {
      await stop();
      await directory.remove();
    },
  };
}

async function gatewayArgs(): Promise<string[]> {
  // The same after a restart.
  return ['gateway', '--https-port', String(await freePort())];
}

interface PartsOptions {
  directory: string;
  nats: TestNats;
  minio: TestMinio | undefined;
  logLevel: string;
}

function storeArgs({ endpoint, accessKey, secretKey }: TestMinio): string[] {
  return ['--s3-endpoint', endpoint, '--s3-access-key', accessKey, '--s3-secret-key', secretKey];
}

/** Makes parts that keep their files in folders of their own, and reach nats-server through a proxy each. */
class PartBuilder {
  readonly links = new Map<string, TcpProxy>();
  readonly #directory: string;
  readonly #nats: TestNats;
  readonly #store: string[];
  readonly #env: NodeJS.ProcessEnv;

  constructor({ directory, nats, minio, logLevel }: PartsOptions) {
    this.#directory = directory;
    this.#nats = nats;
    this.#store = minio ? storeArgs(minio) : [];
    // Containers inherit TMPDIR, so that every process of this cluster can be told by it.
    this.#env = { ...process.env, GANTRY_LOG_LEVEL: logLevel, TMPDIR: join(directory, 'tmp') };
  }

  async prepare(): Promise<void> {
    for (const folder of ['blobs', 'logs', 'tmp']) await mkdir(join(this.#directory, folder));
  }

  async build(name: string, command: string[], folder = ''): Promise<Part> {
    const dataDir = join(this.#directory, name, folder);
    await mkdir(dataDir, { recursive: true });
    // Parts on other machines would share an S3 store; here they share a folder.
    await symlink(join(this.#directory, 'blobs'), join(dataDir, 'blobs'));
    const store = command[0] === 'gateway' ? [] : this.#store;
    const link = await TcpProxy.open(Number(new URL(this.#nats.url).port));
    this.links.set(name, link);
    return new Part({
      name,
      args: [...command, '--nats', `nats://127.0.0.1:${link.port}`, '--data-dir', dataDir, ...store],
      env: this.#env,
      logPath: join(this.#directory, 'logs', `${name}.log`),
    });
  }
}

/**
 * Deploys an app.
 *
 * @returns what the CLI printed.
 * @throws Error with what the CLI printed if that fails.
 */
export async function deploy(entry: string, env: Cluster['env']): Promise<string> {
  const { code, stdout, stderr } = await runCli(['deploy', entry, '--json'], env);
  if (code !== 0) throw new Error(`gantry deploy ${entry} ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

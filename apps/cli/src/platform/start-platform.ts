import path from 'node:path';

import { DEFAULTS, GantryError } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';
import { type Connection, connectionFilePath } from 'gantry/internal';

import { lockDataDir } from './data-dir-lock.ts';
import { prepareDataDir, readOrCreateToken, writePrivateFile } from './data-dir.ts';
import { NatsProcess } from './nats-process.ts';
import { findNatsProgram, type NatsProgram } from './nats-program.ts';
import {
  dashboardPath,
  loadPart,
  runnerPath,
  type BlobStoreConfig,
  type Nearby,
  type DriverChoice,
  type Stoppable,
  type GatewayConfig,
  type WorkerConfig,
} from './parts.ts';
import { SECRETS_KEY_VARIABLE } from './platform-options.ts';
import { choosePort } from './ports.ts';
import { endStaleNats } from './stale-nats.ts';

const LOOPBACK = '127.0.0.1';

export interface PlatformOptions {
  dataDir: string;
  programs: URL;
  env: Readonly<Record<string, string | undefined>>;
  /** Of the API; 0 for any free one. */
  port: number;
  /** Of the gateway; 0 for any free one. */
  httpsPort: number;
  natsPort: number;
  domain: string;
  workspace: string;
  blobs: BlobStoreConfig;
  certificates: GatewayConfig['certificates'];
  labels: WorkerConfig['labels'];
  /** Operations per second that the workspace may begin; no limit if absent. */
  rateLimit?: number | undefined;
  /** A webhook for notices. */
  notifyUrl?: string | undefined;
  /** Acknowledge only what is on disk, where nats-server can. */
  sync: boolean;
  driver?: 'auto' | 'runc' | 'process' | undefined;
  ociRuntime?: string | undefined;
  log: Logger;
}

export interface RunningPlatform {
  readonly connection: Connection & { gatewayUrl: string; caPath: string };
  readonly dataDir: string;
  readonly nats: { version: string; pid: number | undefined; durability: 'synced' | 'periodic' };
  readonly driver: DriverChoice;
  /** Makes what images begin with, without hurry. False if there was nothing to do, as where containers have no images. */
  makeBasesAhead(signal: AbortSignal): Promise<boolean>;
  /** Stops everything in order. */
  stop(): Promise<void>;
  /** Ends the child processes at once. */
  kill(): void;
}

/**
 * Starts the whole platform in this process, with `nats-server` as a child.
 *
 * @throws GantryError if a port or the data directory is taken, or a part does not start; nothing is left running.
 */
export async function startPlatform(options: PlatformOptions): Promise<RunningPlatform> {
  const { dataDir } = options;
  await prepareDataDir(dataDir);
  const lock = await lockDataDir(dataDir);
  // In the order in which they started; stopped in reverse.
  const started: Stoppable[] = [{ stop: () => lock.release() }];
  try {
    return await startParts(options, started);
  } catch (error) {
    await stopAll(started, options.log);
    throw error;
  }
}

async function startParts(options: PlatformOptions, started: Stoppable[]): Promise<RunningPlatform> {
  const { dataDir, log } = options;
  const program = await findNatsProgram(options.env, options.programs);
  const ports = await choosePorts(options);
  const stale = await endStaleNats(dataDir);
  if (stale !== undefined) log.warn({ pid: stale }, 'ended a nats-server that an earlier start left behind');
  const syncAlways = options.sync && program.canSyncAlways;
  const loading = loadParts(options.programs);
  // Awaited below; until then a failure to load must not count as unhandled.
  loading.catch(() => {});
  const natsLog = log.child({ part: 'nats' });
  const nats = await NatsProcess.start({
    program,
    dataDir,
    port: options.natsPort,
    syncAlways,
    log: natsLog,
  });
  started.push(nats);
  const token = await readOrCreateToken(dataDir);
  const durability = syncAlways ? 'synced' : 'periodic';
  const context = { parts: await loading, ports, nats, token, durability, started } as const;
  const running = await startPrograms(options, context);
  const connection = {
    serverUrl: running.serverUrl,
    token,
    environment: DEFAULTS.environment,
    workspace: options.workspace,
    gatewayUrl: running.gatewayUrl,
    caPath: running.caPath,
  };
  await writePrivateFile(connectionFilePath(dataDir), `${JSON.stringify(connection, undefined, 2)}\n`);
  return {
    connection,
    dataDir,
    nats: natsStatus(nats, program, durability),
    driver: running.driver,
    makeBasesAhead: running.makeBasesAhead,
    stop: () => stopAll(started, log),
    kill: () => nats.kill(),
  };
}

async function choosePorts(options: PlatformOptions): Promise<{ api: number; https: number }> {
  const api = await choosePort({ host: LOOPBACK, port: options.port, flag: '--port' });
  const https = await choosePort({ host: LOOPBACK, port: options.httpsPort, flag: '--https-port' });
  if (api !== https) return { api, https };
  if (options.port === 0 || options.httpsPort === 0) return choosePorts(options);
  throw new GantryError('INVALID_ARGUMENT', `--port and --https-port are both ${api}`, {
    hint: 'Choose two.',
  });
}

async function loadParts(programs: URL) {
  const [startServer, startGateway, startWorker] = await Promise.all([
    loadPart(programs, 'startServer'),
    loadPart(programs, 'startGateway'),
    loadPart(programs, 'startWorker'),
  ]);
  return { startServer, startGateway, startWorker };
}

interface StartContext {
  parts: Awaited<ReturnType<typeof loadParts>>;
  ports: { api: number; https: number };
  nats: NatsProcess;
  token: string;
  durability: 'synced' | 'periodic';
  started: Stoppable[];
}

async function startPrograms(options: PlatformOptions, context: StartContext) {
  const { dataDir, blobs, domain, workspace, rateLimit, log } = options;
  const { parts, ports, nats, token, durability, started } = context;
  const shared = { natsUrl: nats.url, dataDir, rateLimit };
  const nearby: Nearby = new Map();
  const secretsKey = options.env[SECRETS_KEY_VARIABLE];
  const gatewayUrl = `https://${domain}:${ports.https}`;
  const address = { host: LOOPBACK, domain, workspace };
  // The server first: it creates the streams that the others read.
  const server = await parts.startServer({
    ...shared,
    ...address,
    nearby,
    blobs,
    port: ports.api,
    runnerPath: runnerPath(options.programs),
    dashboardPath: dashboardPath(options.programs),
    token,
    secretsKey,
    gatewayUrl,
    durability,
    notifyUrl: options.notifyUrl,
    log: log.child({ part: 'server' }),
  });
  started.push(server);
  const [gateway, worker] = await Promise.allSettled([
    parts.startGateway({
      ...shared,
      ...address,
      blobs,
      certificates: options.certificates,
      // Whoever presses Ctrl-C wants an end.
      drainMs: 5_000,
      port: ports.https,
      log: log.child({ part: 'gateway' }),
    }),
    parts.startWorker({
      ...shared,
      nearby,
      blobs,
      runnerPath: runnerPath(options.programs),
      secretsKey,
      driver: options.driver,
      ociRuntime: options.ociRuntime,
      labels: options.labels,
      log: log.child({ part: 'worker' }),
    }),
  ]);
  if (gateway.status === 'fulfilled') started.push(gateway.value);
  if (worker.status === 'fulfilled') started.push(worker.value);
  if (gateway.status === 'rejected') throw gateway.reason;
  if (worker.status === 'rejected') throw worker.reason;
  const { driver } = worker.value;
  const makeBasesAhead = async (signal: AbortSignal): Promise<boolean> =>
    driver.name === 'runc' && (await server.makeBasesAhead(signal));
  const caPath = path.resolve(gateway.value.caPath);
  return { serverUrl: server.url, gatewayUrl, caPath, driver, makeBasesAhead };
}

function natsStatus(
  nats: NatsProcess,
  { version }: NatsProgram,
  durability: 'synced' | 'periodic',
): RunningPlatform['nats'] {
  return {
    version,
    durability,
    get pid() {
      return nats.pid;
    },
  };
}

async function stopAll(started: Stoppable[], log: Logger): Promise<void> {
  for (let part = started.pop(); part; part = started.pop()) {
    await part.stop().catch((error: unknown) => log.error({ err: error }, 'a part did not stop cleanly'));
  }
}

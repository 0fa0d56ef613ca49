import { fileURLToPath } from 'node:url';

import { NotFoundError } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

// The programs of the platform are loaded from the folder of the bundles, by URL: in the sources no app imports
// another, and `gantry deploy` does not pay for loading a server. These are their contracts.

export type BlobStoreConfig =
  | { type: 'disk'; path: string }
  | {
      type: 's3';
      endpoint: string;
      accessKey: string;
      secretKey: string;
      bucket: string;
      region?: string | undefined;
    };

/** What the parts that share a process answer each other without NATS, by subject. */
export type Nearby = Map<string, (message: unknown) => unknown>;

export interface ServerConfig {
  nearby?: Nearby | undefined;
  natsUrl: string;
  dataDir: string;
  blobs: BlobStoreConfig;
  host: string;
  port: number;
  /** Absolute path of the runner, for functions that build steps of images run. */
  runnerPath?: string | undefined;
  /** The folder of the built dashboard. */
  dashboardPath?: string | undefined;
  /** Keys that seal secrets, if not those of the data directory. */
  secretsKey?: string | undefined;
  token: string;
  workspace: string;
  domain: string;
  /** Its port goes into the addresses of web endpoints. */
  gatewayUrl: string;
  /** Operations per second that the workspace may begin. */
  rateLimit?: number | undefined;
  /** A webhook for notices. */
  notifyUrl?: string | undefined;
  log: Logger;
  /** Whether nats-server writes to disk before it acknowledges. */
  durability?: 'synced' | 'periodic';
}

export interface GatewayConfig {
  natsUrl: string;
  dataDir: string;
  blobs: BlobStoreConfig;
  host: string;
  port: number;
  /** A further port, for plain HTTP, that sends everybody to the other one. */
  httpPort?: number | undefined;
  domain: string;
  workspace: string;
  /** Operations per second that the workspace may begin. */
  rateLimit?: number | undefined;
  /** Where certificates of another authority are. */
  certificates?: { folder: string } | undefined;
  /** An authority that issues certificates. */
  acme?: { directory: string; email?: string | undefined } | undefined;
  secretsKey?: string | undefined;
  /** Plain TCP into containers. */
  tunnels?: { ports?: { from: number; to: number } | undefined; host?: string | undefined } | undefined;
  /** How long requests may go on when it stops. */
  drainMs?: number | undefined;
  log: Logger;
}

export interface WorkerConfig {
  nearby?: Nearby | undefined;
  natsUrl: string;
  dataDir: string;
  blobs: BlobStoreConfig;
  /** Absolute path of the first program in each container. */
  runnerPath: string;
  /** Where the machine is, and what else functions may ask for it by. */
  labels?:
    { region?: string | undefined; cloud?: string | undefined; others?: string[] | undefined } | undefined;
  /** Operations per second that the workspace may begin. */
  rateLimit?: number | undefined;
  secretsKey?: string | undefined;
  driver?: 'auto' | 'runc' | 'process' | undefined;
  ociRuntime?: string | undefined;
  log: Logger;
}

/** How a worker makes containers, and in one line why not better, where that was its choice. */
export interface DriverChoice {
  name: 'runc' | 'process';
  ociRuntime?: string | undefined;
  why?: string | undefined;
}

export interface Stoppable {
  stop(): Promise<void>;
}

export interface RunningServer {
  url: string;
  /** Makes what images begin with, without hurry. False if there was nothing to do. */
  makeBasesAhead(signal: AbortSignal): Promise<boolean>;
}

export interface PlatformParts {
  startServer(config: ServerConfig): Promise<Stoppable & RunningServer>;
  startGateway(config: GatewayConfig): Promise<Stoppable & { url: string; caPath: string }>;
  startWorker(config: WorkerConfig): Promise<Stoppable & { workerId: string; driver: DriverChoice }>;
}

const FILES = { startServer: 'server.mjs', startGateway: 'gateway.mjs', startWorker: 'worker.mjs' } as const;

/** Loads the start function of one program. */
export async function loadPart<TName extends keyof PlatformParts>(
  programs: URL,
  name: TName,
): Promise<PlatformParts[TName]> {
  const url = new URL(FILES[name], programs);
  const loaded = (await import(url.href)) as Partial<PlatformParts>;
  const start = loaded[name];
  if (start) return start;
  throw new NotFoundError(`the file "${fileURLToPath(url)}" does not export "${name}"`, {
    hint: 'Run "npm run build" in the Gantry repository.',
  });
}

/** Path of the program that runs first in each container. */
export function runnerPath(programs: URL): string {
  return fileURLToPath(new URL('runner.cjs', programs));
}

/** Folder of the built dashboard. */
export function dashboardPath(programs: URL): string {
  return fileURLToPath(new URL('dashboard', programs));
}

import { join } from 'node:path';

import type { BlobStoreConfig } from '@gantry/blobs';
import type { Nearby } from '@gantry/messaging';
import { LIMITS, type MachineCapacity, type WorkerLabels } from '@gantry/protocol';
import { IDENTITY_TOKEN_MS } from '@gantry/secrets';
import type { Logger } from '@gantry/telemetry';

import { findDriver, type DriverChoice, type DriverName } from './driver-choice.ts';

/** What {@link startWorker} needs to know. */
export interface WorkerConfig {
  /** May carry a token or a user. */
  natsUrl: string;
  /** The worker keeps bundles, packages and containers in its subfolder `worker`. One worker per folder. */
  dataDir: string;
  blobs: BlobStoreConfig;
  /** The bundled runner. */
  runnerPath: string;
  /** Node for the containers. @defaultValue the Node that runs the worker */
  nodePath?: string | undefined;
  /** Flags for that Node. @defaultValue none */
  nodeFlags?: readonly string[] | undefined;
  /** Runner processes to start ahead of need. @defaultValue 1 */
  prewarm?: number | undefined;
  /** How containers are made. @defaultValue 'auto' */
  driver?: DriverName | undefined;
  /** An OCI runtime, for the runc driver: a name on PATH, or a path. @defaultValue crun where it is, else runc */
  ociRuntime?: string | undefined;
  log: Logger;
  /** Keys that open secrets. @defaultValue those in `secrets.key` of `dataDir` */
  secretsKey?: string | undefined;
  /** What containers may use in all, as far as it is not what the machine has. */
  capacity?: Partial<MachineCapacity> | undefined;
  /** Where the machine is. @defaultValue unknown */
  labels?: WorkerLabels | undefined;
  /** What answers in this process, if other parts of the platform are in it, too. @defaultValue nothing does */
  nearby?: Nearby | undefined;
  /** Operations per second that the workspace may begin. @defaultValue no limit */
  rateLimit?: number | undefined;
  /** How long exit hooks, and code that is preempted, may take. @defaultValue 30_000 */
  exitGraceMs?: number | undefined;
  /** How long code may keep the event loop of its container from turning. @defaultValue 300_000 */
  silenceMs?: number | undefined;
  /** How long the identity tokens of containers are valid. @defaultValue 48 hours */
  identityTokenMs?: number | undefined;
}

/** {@link WorkerConfig} with defaults filled in. */
export interface WorkerSpec {
  natsUrl: string;
  dataDir: string;
  folder: string;
  blobs: BlobStoreConfig;
  runnerPath: string;
  nodePath: string | undefined;
  nodeFlags: readonly string[];
  prewarm: number;
  driver: DriverChoice;
  log: Logger;
  secretsKey: string | undefined;
  capacity: Partial<MachineCapacity>;
  labels: WorkerLabels;
  exitGraceMs: number;
  silenceMs: number;
  identityTokenMs: number;
  rateLimit: number | undefined;
  nearby: Nearby | undefined;
}

/** @throws ContainerError if the driver that is asked for cannot run here. */
export async function completeConfig(config: WorkerConfig): Promise<WorkerSpec> {
  const { natsUrl, blobs, runnerPath, nodePath, log, driver, ociRuntime } = config;
  const folder = join(config.dataDir, 'worker');
  return {
    natsUrl,
    dataDir: config.dataDir,
    folder,
    blobs,
    runnerPath,
    nodePath,
    nodeFlags: config.nodeFlags ?? [],
    prewarm: config.prewarm ?? 1,
    driver: await findDriver({ driver, ociRuntime, folder, runnerPath, nodePath }),
    exitGraceMs: config.exitGraceMs ?? LIMITS.exitGraceMs,
    silenceMs: config.silenceMs ?? LIMITS.silenceMs,
    identityTokenMs: config.identityTokenMs ?? IDENTITY_TOKEN_MS,
    rateLimit: config.rateLimit,
    nearby: config.nearby,
    log,
    secretsKey: config.secretsKey,
    capacity: config.capacity ?? {},
    labels: config.labels ?? {},
  };
}

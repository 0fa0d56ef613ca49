import { mkdtemp, readFile, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';

import { findRuncProblem, findUserProblem, tryRunc, type RuncProblem } from '@gantry/containers';
import { findBucketProblem, findMountProblem } from '@gantry/mounts';
import { DEFAULTS, isGantryError, type HelloReply } from '@gantry/protocol';
import { type Connection, findConnection } from 'gantry/internal';

import { ApiClient } from '../api-client.ts';
import { findNatsProgram, isAtLeast } from '../platform/nats-program.ts';
import { DEFAULT_API_PORT, DEFAULT_HTTPS_PORT } from '../platform/default-ports.ts';
import { runnerPath } from '../platform/parts.ts';
import { isPortFree } from '../platform/ports.ts';
import { toSize } from '../terminal/units.ts';
import { findGpuChecks } from './gpu-checks.ts';
import { checkMounts } from './mount-checks.ts';
import { checkNames } from './name-check.ts';

/** One thing that was looked at. */
export interface Check {
  name: string;
  /** `warn`: weaker than it could be. `fail`: something must be done. */
  status: 'ok' | 'warn' | 'fail';
  detail: string;
  hint?: string | undefined;
}

export interface CheckOptions {
  env: Readonly<Record<string, string | undefined>>;
  programs: URL;
  dataDir: string;
}

const LEAST_NODE = [22, 12] as const;
const LOW_DISK_BYTES = 5e9;
const NO_DISK_BYTES = 500e6;
const TLS_LIMIT_MS = 3_000;

/** Looks at everything that Gantry needs on this machine. */
export async function runChecks(options: CheckOptions): Promise<Check[]> {
  const platform = await findPlatform(options);
  const isRoot = !isOrdinaryUser() || findUserProblem() === undefined;
  return [
    checkNode(process.versions.node),
    await checkNats(options),
    checkPlatform(platform),
    ...(platform.hello
      ? [checkDurability(platform.hello), checkWorkers(platform.hello)]
      : [checkIsolation(await findIsolationProblem(options))]),
    ...(await findGpuChecks()),
    await checkDisk(options.dataDir),
    ...checkMounts({ volumes: findMountProblem(isRoot), buckets: findBucketProblem(isRoot) }),
    ...(platform.hello ? [] : await checkPorts()),
    ...(platform.hello && platform.connection ? [await checkCertificate(platform.connection)] : []),
    ...(platform.hello ? await checkNames(platform.connection?.gatewayUrl) : []),
  ];
}

interface PlatformState {
  connection?: Connection;
  hello?: HelloReply;
  error?: unknown;
}

async function findPlatform({ env, dataDir }: CheckOptions): Promise<PlatformState> {
  try {
    const connection = findConnection({ ...env, GANTRY_DATA_DIR: dataDir });
    try {
      return { connection, hello: await new ApiClient(connection).hello() };
    } catch (error) {
      return { connection, error };
    }
  } catch (error) {
    return { error };
  }
}

export function checkNode(version: string): Check {
  if (isAtLeast(version, LEAST_NODE)) return { name: 'Node.js', status: 'ok', detail: version };
  const hint = `Install Node.js ${LEAST_NODE.join('.')} or newer.`;
  return { name: 'Node.js', status: 'fail', detail: `${version} is too old`, hint };
}

async function checkNats({ env, programs }: CheckOptions): Promise<Check> {
  const name = 'nats-server';
  try {
    const program = await findNatsProgram(env, programs);
    const detail = `${program.version} (${program.path})`;
    if (program.canSyncAlways) return { name, status: 'ok', detail };
    const hint = 'Install nats-server 2.11 or newer: this one acknowledges before data is on disk.';
    return { name, status: 'warn', detail, hint };
  } catch (error) {
    if (!isGantryError(error)) throw error;
    return { name, status: 'fail', detail: error.message, hint: error.hint };
  }
}

function checkPlatform({ connection, hello, error }: PlatformState): Check {
  const name = 'platform';
  if (hello && connection) {
    const detail = `version ${hello.version} at ${connection.serverUrl}, environment "${connection.environment}"`;
    return { name, status: 'ok', detail };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { name, status: 'fail', detail, hint: isGantryError(error) ? error.hint : undefined };
}

function checkDurability({ nats }: HelloReply): Check {
  const name = 'durability';
  if (nats.durability === 'synced') return { name, status: 'ok', detail: 'what is accepted is on disk' };
  if (nats.durability === 'unknown') {
    return {
      name,
      status: 'warn',
      detail: `the server does not know whether nats-server ${nats.version} syncs every write`,
      hint: 'Set "sync_interval: always" in the JetStream section of nats-server\'s configuration.',
    };
  }
  const detail = `nats-server ${nats.version} writes to disk within two minutes; a power failure loses what is younger`;
  return {
    name,
    status: 'warn',
    detail,
    hint: 'Use nats-server 2.11 or newer, and start without --no-sync.',
  };
}

export function checkWorkers({ drivers }: Pick<HelloReply, 'drivers'>): Check {
  const name = 'containers';
  if (drivers.length === 0) {
    return { name, status: 'warn', detail: 'no worker has reported', hint: 'Start one: gantry worker.' };
  }
  const detail = drivers
    .map(({ name: driver, images, nodeVersion }) =>
      images ? `${driver}, with images` : `${driver} with Node ${nodeVersion}, without images`,
    )
    .join('; ');
  const limitation = drivers.find((driver) => driver.limitation)?.limitation;
  if (!limitation) return { name, status: 'ok', detail };
  return { name, status: 'warn', detail: `${detail}; ${limitation.message}`, hint: limitation.hint };
}

/** As a worker does at its start: looks for what is missing, then tries a container. */
async function findIsolationProblem({ programs }: CheckOptions): Promise<RuncProblem | undefined> {
  // An ordinary user's worker tries a container in namespaces of its own.
  const lacking = isOrdinaryUser() ? findUserProblem() : findRuncProblem();
  if (lacking || isOrdinaryUser()) return lacking;
  const dataDir = await mkdtemp(path.join(tmpdir(), 'gantry-doctor-'));
  try {
    const diskMiB = DEFAULTS.ephemeralDiskMiB;
    return await tryRunc({ dataDir, runnerPath: runnerPath(programs), diskMiB });
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

function isOrdinaryUser(): boolean {
  return process.platform === 'linux' && process.getuid?.() !== 0;
}

/** What the containers of a worker on this machine would be. */
export function checkIsolation(problem: RuncProblem | undefined, isLimited = !isOrdinaryUser()): Check {
  const name = 'containers';
  if (!problem && !isLimited) {
    const detail =
      'have a root file system and a network of their own; an ordinary user limits no CPU, disk or processes';
    return { name, status: 'warn', detail, hint: 'Start the platform as root to limit what containers use.' };
  }
  if (!problem)
    return { name, status: 'ok', detail: 'have a root file system, a network and limits of their own' };
  const detail = `are processes of the user who starts them, without isolation: ${problem.message}`;
  return { name, status: 'warn', detail, hint: problem.hint };
}

async function checkDisk(dataDir: string): Promise<Check> {
  const name = 'disk';
  const { bavail, bsize } = await statfs(await nearestFolder(dataDir));
  const free = bavail * bsize;
  const detail = `${toSize(free)} free for ${dataDir}`;
  const hint = 'Free some space, or choose another --data-dir.';
  if (free < NO_DISK_BYTES) return { name, status: 'fail', detail, hint };
  return free < LOW_DISK_BYTES ? { name, status: 'warn', detail, hint } : { name, status: 'ok', detail };
}

async function nearestFolder(folder: string): Promise<string> {
  for (let current = folder; ; current = path.dirname(current)) {
    const exists = await stat(current).catch(() => undefined);
    if (exists || path.dirname(current) === current) return current;
  }
}

async function checkPorts(): Promise<Check[]> {
  const ports: [string, string, string][] = [
    ['API port', DEFAULT_API_PORT, '--port'],
    ['HTTPS port', DEFAULT_HTTPS_PORT, '--https-port'],
  ];
  return Promise.all(
    ports.map(async ([name, port, flag]): Promise<Check> => {
      if (await isPortFree('127.0.0.1', Number(port)))
        return { name, status: 'ok', detail: `${port} is free` };
      const hint = `Start with "gantry up ${flag} 0", or another number.`;
      return { name, status: 'warn', detail: `${port} is in use by another program`, hint };
    }),
  );
}

/** The gateway must answer with a certificate that the local authority signed. */
async function checkCertificate({ gatewayUrl, caPath }: Connection): Promise<Check> {
  const name = 'HTTPS';
  if (!gatewayUrl || !caPath) return { name, status: 'warn', detail: 'this connection names no gateway' };
  const hint = 'Restart "gantry up"; it renews the certificates.';
  const ca = await readFile(caPath).catch(() => undefined);
  if (!ca) return { name, status: 'fail', detail: `the certificate "${caPath}" is missing`, hint };
  const { hostname, port } = new URL(gatewayUrl);
  const problem = await tlsProblem({ servername: `doctor.${hostname}`, port: Number(port || 443), ca });
  if (problem === undefined) return { name, status: 'ok', detail: `${gatewayUrl}, signed by ${caPath}` };
  return { name, status: 'fail', detail: `${gatewayUrl}: ${problem}`, hint };
}

function tlsProblem(options: { servername: string; port: number; ca: Buffer }): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = tls.connect({ ...options, host: '127.0.0.1', timeout: TLS_LIMIT_MS });
    const done = (problem: string | undefined) => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('secureConnect', () => done(undefined));
    socket.once('timeout', () => done('no answer'));
    socket.once('error', (error) => done(error.message));
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { type CredentialSource, GantryError } from '@gantry/protocol';

import type { CredentialPlace } from './credential-endpoint.ts';
import { findMountProblem, hasProgram, type MountProblem, unmount } from './fuse-mount.ts';
import { mountTable } from './mount-folder.ts';

/** Kind of these mounts in the kernel's table. */
export const BUCKET_MOUNT_TYPE = 'fuse.rclone';
const START_LIMIT_MS = 30_000;
const END_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 20;
/** What it may tell of the machine to the program: no credentials of others are among it. */
const PASSED_ON = ['PATH', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];

export interface FixedCredentials {
  accessKey: string;
  secretKey: string;
  sessionToken?: string | undefined;
}

/** A bucket of an S3 store, and how it is to be shown. */
export interface BucketToMount {
  bucket: string;
  /** Ends in a slash; `''` for the whole bucket. */
  keyPrefix: string;
  /** @defaultValue that of AWS */
  endpoint?: string | undefined;
  region?: string | undefined;
  /** Fixed ones, or where there are new ones while it is mounted. @defaultValue nobody's */
  credentials?: FixedCredentials | CredentialSource | undefined;
  readOnly: boolean;
  requesterPays: boolean;
  /** User and group of all files. */
  ownerId: number;
}

export interface BucketMount {
  /** Resolves, with what happened, if its files cannot be read any more. */
  lost: Promise<GantryError>;
  /** When nobody uses it any more. */
  unmount(): Promise<void>;
}

export interface BucketMountSurroundings {
  warn: (message: string) => void;
  /** Where a bucket's {@link CredentialSource} is asked. */
  credentialsAt?: CredentialPlace | undefined;
}

/** What this machine lacks for mounts of buckets; undefined if nothing is known to be missing. */
export function findBucketProblem(isRoot?: boolean): MountProblem | undefined {
  const problem = findMountProblem(isRoot);
  if (problem) return { message: problem.message, hint: problem.hint };
  if (!hasProgram('rclone'))
    return { message: 'there is no "rclone"', hint: 'Run "apt-get install rclone fuse3".' };
  if (!hasProgram('fusermount3') && !hasProgram('fusermount'))
    return { message: 'there is no "fusermount3"', hint: 'Run "apt-get install fuse3".' };
  return undefined;
}

/**
 * Shows a bucket in a folder, by rclone. A file is an object once it is closed; objects are written from their beginning.
 *
 * @throws GantryError `UNAVAILABLE` if it does not come up.
 */
export async function mountBucket(
  at: string,
  bucket: BucketToMount,
  { warn, credentialsAt }: BucketMountSurroundings,
): Promise<BucketMount> {
  const child = startRclone(at, bucket, credentialsAt);
  let said = '';
  createInterface(child.stderr as Readable).on('line', (line) => {
    // Date and time come first.
    said = line.split(' ').slice(2).join(' ');
    if (said.includes('ERROR')) warn(`bucket "${bucket.bucket}": ${said}`);
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  let isEnding = false;
  const lost = new Promise<GantryError>((resolve) => {
    void exited.then((end) => {
      if (!isEnding) resolve(notThere(bucket, `the program that shows it ended (${end})`));
    });
  });
  try {
    await Promise.race([untilMounted(at, bucket), lost.then((error) => Promise.reject(error))]);
  } catch (error) {
    isEnding = true;
    child.kill('SIGKILL');
    await unmount(at).catch(() => undefined);
    throw said ? notThere(bucket, said) : error;
  }
  const end = async (): Promise<void> => {
    isEnding = true;
    await unmount(at).catch(() => undefined);
    const timer = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
    await exited;
    clearTimeout(timer);
  };
  return { lost, unmount: end };
}

function startRclone(
  at: string,
  bucket: BucketToMount,
  credentialsAt: CredentialPlace | undefined,
): ChildProcess {
  const command = ['rclone', 'mount', `:s3:${bucket.bucket}/${bucket.keyPrefix}`, at, ...flagsOf(bucket)];
  // It goes when its worker is killed.
  const guard = hasProgram('setpriv') ? ['setpriv', '--pdeathsig', 'TERM'] : [];
  const [program = '', ...args] = [...guard, ...command];
  return spawn(program, args, {
    env: environmentOf(bucket, credentialsAt),
    stdio: ['ignore', 'ignore', 'pipe'],
    // Ctrl-C in the worker's terminal is the worker's to handle: containers may still read.
    detached: true,
  });
}

function flagsOf({ readOnly, ownerId }: BucketToMount): string[] {
  return [
    // No copies on this disk: what is written goes to the bucket, and `close` says whether it got there.
    ...['--vfs-cache-mode', 'off', '--dir-cache-time', '1s', '--attr-timeout', '1s', '--use-server-modtime'],
    ...['--allow-other', '--uid', String(ownerId), '--gid', String(ownerId), '--umask', '022'],
    ...['--vfs-read-chunk-size', '8Mi', '--vfs-read-chunk-size-limit', '512Mi', '--vfs-read-wait', '5ms'],
    ...['--buffer-size', '4Mi', '--max-read-ahead', '1Mi', '--s3-chunk-size', '8Mi'],
    // A store that does not answer is asked for about ten seconds.
    ...['--low-level-retries', '7', '--contimeout', '10s', '--log-level', 'NOTICE'],
    ...(readOnly ? ['--read-only'] : []),
  ];
}

/** Not in arguments, which other users of the machine see. */
function environmentOf(
  { credentials, endpoint, region, requesterPays }: BucketToMount,
  credentialsAt: CredentialPlace | undefined,
): NodeJS.ProcessEnv {
  const fixed = credentials && 'accessKey' in credentials ? credentials : undefined;
  const s3 = {
    PROVIDER: endpoint === undefined ? 'AWS' : 'Other',
    ENDPOINT: endpoint,
    REGION: region,
    ACCESS_KEY_ID: fixed?.accessKey,
    SECRET_ACCESS_KEY: fixed?.secretKey,
    SESSION_TOKEN: fixed?.sessionToken,
    ENV_AUTH: credentialsAt && 'true',
    REQUESTER_PAYS: requesterPays ? 'true' : undefined,
    // Else it tries to make the bucket before it writes there.
    NO_CHECK_BUCKET: 'true',
  };
  const env: NodeJS.ProcessEnv = { RCLONE_CONFIG: '/dev/null' };
  if (credentialsAt) {
    env.AWS_CONTAINER_CREDENTIALS_FULL_URI = credentialsAt.url;
    env.AWS_CONTAINER_AUTHORIZATION_TOKEN = credentialsAt.authorization;
    // Else a machine at AWS is asked for its own.
    env.AWS_EC2_METADATA_DISABLED = 'true';
  }
  for (const name of PASSED_ON) {
    for (const variable of [name, name.toLowerCase()]) {
      if (process.env[variable] !== undefined) env[variable] = process.env[variable];
    }
  }
  for (const [name, value] of Object.entries(s3)) if (value !== undefined) env[`RCLONE_S3_${name}`] = value;
  return env;
}

async function untilMounted(at: string, bucket: BucketToMount): Promise<void> {
  const giveUpAtMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    if ((await mountTable()).some(({ place, type }) => place === at && type === BUCKET_MOUNT_TYPE)) return;
    if (performance.now() > giveUpAtMs) throw notThere(bucket, 'it did not come up');
    await delay(LOOK_EVERY_MS);
  }
}

function notThere({ bucket }: BucketToMount, reason: string): GantryError {
  return new GantryError('UNAVAILABLE', `bucket "${bucket}" cannot be read any more: ${reason}`, {
    hint: 'Containers with it are started anew; look at the log of the worker for more.',
  });
}

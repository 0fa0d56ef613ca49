import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { NotFoundError } from '@gantry/protocol';

export interface NatsProgram {
  path: string;
  /** Such as `2.15.0`. */
  version: string;
  /** Since 2.11 an acknowledgement can mean "on disk" (`sync_interval: always`). */
  canSyncAlways: boolean;
}

const NAME = 'nats-server';
const HINT =
  'Run "npm run build" in the Gantry repository once, install nats-server, or set GANTRY_NATS_SERVER.';

/**
 * Finds `nats-server`: GANTRY_NATS_SERVER, then the one that set-up installed, then PATH.
 *
 * @throws {@link NotFoundError} if there is none, or it cannot run.
 */
export async function findNatsProgram(
  env: Readonly<Record<string, string | undefined>>,
  programs: URL,
): Promise<NatsProgram> {
  const file = candidates(env, programs).find(isExecutable);
  if (file === undefined) throw new NotFoundError(`the program "${NAME}" was not found`, { hint: HINT });
  const version = await readVersion(file);
  return { path: file, version, canSyncAlways: isAtLeast(version, [2, 11]) };
}

function candidates(env: Readonly<Record<string, string | undefined>>, programs: URL): string[] {
  const named = env['GANTRY_NATS_SERVER'];
  if (named) return [named];
  const installed = fileURLToPath(new URL(`../.tools/bin/${NAME}`, programs));
  const onPath = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return [installed, ...onPath.map((folder) => path.join(folder, NAME))];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function readVersion(file: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(file, ['--version'], { timeout: 10_000 });
    return /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] ?? '0.0.0';
  } catch (cause) {
    throw new NotFoundError(`the program "${file}" cannot be run`, { cause, hint: HINT });
  }
}

/** True if a dotted version is not below the wanted one. */
export function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [at, least] of wanted.entries()) {
    const part = parts[at] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

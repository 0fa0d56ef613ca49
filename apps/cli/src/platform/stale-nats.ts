import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { GantryError } from '@gantry/protocol';

import { natsConfigPath, natsPidPath } from './nats-config.ts';

const POLL_MS = 20;
const TERM_LIMIT_MS = 5_000;
const KILL_LIMIT_MS = 2_000;

/**
 * Ends the `nats-server` that an earlier `gantry up` left behind when it was killed. Only a process whose command line
 * names this data directory's configuration is ended: process ids are used again.
 *
 * @returns The id of the process that was ended, if there was one.
 */
export async function endStaleNats(dataDir: string): Promise<number | undefined> {
  const pid = readPid(natsPidPath(dataDir));
  if (pid === undefined || !isOurs(pid, dataDir)) return undefined;
  process.kill(pid, 'SIGTERM');
  if (await isGone(pid, dataDir, TERM_LIMIT_MS)) return pid;
  process.kill(pid, 'SIGKILL');
  if (await isGone(pid, dataDir, KILL_LIMIT_MS)) return pid;
  throw new GantryError('CONFLICT', `an old nats-server (process ${pid}) of "${dataDir}" does not end`, {
    hint: `End process ${pid} yourself, then start again.`,
  });
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isOurs(pid: number, dataDir: string): boolean {
  return commandLine(pid).includes(natsConfigPath(dataDir));
}

/** The arguments of a process; empty if it is gone. */
function commandLine(pid: number): string[] {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return execFileSync('ps', ['-ww', '-p', String(pid), '-o', 'args='], { encoding: 'utf8' })
      .trim()
      .split(' ');
  } catch {
    return [];
  }
}

async function isGone(pid: number, dataDir: string, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (isOurs(pid, dataDir)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { socketPathFor } from './socket-path.ts';
import { processesWith, processIdentity } from './process-identity.ts';

/** What the driver remembers on disk about a process it started. */
export interface ProcessRecord {
  pid: number;
  identity: string | undefined;
  /** Every process of the container inherits `GANTRY_PROCESS=<token>`. */
  token: string;
  directory: string;
  /** The worker process that started it. */
  owner: { pid: number; identity: string | undefined };
}

/** Name of the environment variable that marks all processes of a container. */
export const TOKEN_VARIABLE = 'GANTRY_PROCESS';

/**
 * Records of running processes, one file each, so that a worker can end what a killed predecessor left.
 *
 * Invariants
 *   P1. A process is only ended when start time or token prove that it is the recorded one.
 *   P2. Records of a worker that still runs are left alone.
 */
export class ProcessRecords {
  readonly #folder: string;
  readonly #owner = { pid: process.pid, identity: processIdentity(process.pid) };

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Written at once, not soon: a worker killed right after the start must leave the record. */
  add(record: Omit<ProcessRecord, 'owner' | 'identity'>): void {
    const complete: ProcessRecord = { ...record, identity: processIdentity(record.pid), owner: this.#owner };
    const path = join(this.#folder, record.token);
    writeFileSync(`${path}.new`, JSON.stringify(complete));
    renameSync(`${path}.new`, path);
  }

  remove(token: string): void {
    rmSync(join(this.#folder, token), { force: true });
  }

  /** Ends processes whose worker is gone, with their process groups and directories. */
  async reconcile(): Promise<number> {
    let ended = 0;
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const record = await readRecord(path);
      if (record && isAlive(record.owner)) continue;
      if (record) {
        if (await endProcesses(record)) ended++;
        await rm(record.directory, { recursive: true, force: true });
        await rm(socketPathFor(record.directory), { force: true });
      }
      await rm(path, { force: true });
    }
    return ended;
  }
}

async function readRecord(path: string): Promise<ProcessRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessRecord;
  } catch {
    // Half written when its worker was killed.
    return undefined;
  }
}

function isAlive(process: { pid: number; identity: string | undefined }): boolean {
  return process.identity !== undefined && processIdentity(process.pid) === process.identity;
}

async function endProcesses(record: ProcessRecord): Promise<boolean> {
  const wasAlive = isAlive(record) && sendKill(-record.pid);
  // What it started may still run, and so may programs that were run beside it.
  return (await endMarked(record.token)) || wasAlive;
}

/** Kills every process of a container, by the mark that they inherit. True if there was one. */
export async function endMarked(token: string): Promise<boolean> {
  const marked = await processesWith(`${TOKEN_VARIABLE}=${token}`);
  return marked.map(sendKill).some(Boolean);
}

function sendKill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { processIdentity } from './process-identity.ts';

/** What a record is called while it is written. */
const DRAFT = '.new';
/** A draft that is as old as that was left by a process that was killed. */
const DRAFT_MS = 60_000;

/** A process, told from a later one with the same pid. */
export interface ProcessMark {
  pid: number;
  identity: string | undefined;
}

/**
 * What a driver remembers on disk of its containers, one file each, so that a worker can end what a killed predecessor
 * left. Records of a worker that still runs are nobody else's.
 */
export class OwnedRecords<TDetails extends object> {
  readonly #folder: string;
  readonly #owner: ProcessMark = { pid: process.pid, identity: processIdentity(process.pid) };

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Written at once, not soon: a worker killed right after the start must leave the record. */
  add(name: string, details: TDetails): void {
    const path = join(this.#folder, name);
    writeFileSync(`${path}${DRAFT}`, JSON.stringify({ ...details, owner: this.#owner }));
    renameSync(`${path}${DRAFT}`, path);
  }

  remove(name: string): void {
    rmSync(join(this.#folder, name), { force: true });
  }

  /**
   * Hands the records of workers that are gone to `end`, and removes them.
   *
   * @returns How many times `end` said that it ended something.
   */
  async reconcile(end: (details: TDetails, name: string) => Promise<boolean>): Promise<number> {
    let ended = 0;
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (name.endsWith(DRAFT)) {
        await removeOld(path);
        continue;
      }
      const record = await this.#read(path);
      if (record && isAlive(record.owner)) continue;
      if (record && (await end(record, name))) ended++;
      await rm(path, { force: true });
    }
    return ended;
  }

  async #read(path: string): Promise<(TDetails & { owner: ProcessMark }) | undefined> {
    try {
      return JSON.parse(await readFile(path, 'utf8')) as TDetails & { owner: ProcessMark };
    } catch {
      // Half written when its worker was killed.
      return undefined;
    }
  }
}

/** Other processes may be about to give a draft its name. */
async function removeOld(draft: string): Promise<void> {
  const writtenMs = (await stat(draft).catch(() => undefined))?.mtimeMs ?? Infinity;
  if (writtenMs < Date.now() - DRAFT_MS) await rm(draft, { force: true });
}

/** Whether that very process runs. */
export function isAlive(process: ProcessMark): boolean {
  return process.identity !== undefined && processIdentity(process.pid) === process.identity;
}

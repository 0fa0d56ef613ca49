import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { processIdentity } from './process-identity.ts';

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
    writeFileSync(`${path}.new`, JSON.stringify({ ...details, owner: this.#owner }));
    renameSync(`${path}.new`, path);
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

/** Whether that very process runs. */
export function isAlive(process: ProcessMark): boolean {
  return process.identity !== undefined && processIdentity(process.pid) === process.identity;
}

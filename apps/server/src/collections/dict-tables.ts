import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';

import {
  machineId,
  openSharedFolder,
  removeSharedFolder,
  removeStaleSharedFolders,
} from '@gantry/containers';

import { DictTable, TABLE_BYTES } from './dict-table.ts';

const RENEW_EVERY_MS = 250;
const MOST_TABLES = 32;
const SPARED_BYTES = 32 * 1024 ** 2;

export interface DictTablesOptions {
  /** Undefined while this server must not answer. */
  leadership: { readonly fence: number | undefined };
  /** What is left to others who keep files in the same memory, such as the machine's own programs. @defaultValue 32 MiB */
  sparedBytes?: number | undefined;
}

/**
 * The tables of a server's dicts, on its own machine.
 *
 * They are valid for less than the margin that a leader leaves before its lease can end, so none outlasts the lead.
 */
export class DictTables {
  readonly #leadership: DictTablesOptions['leadership'];
  readonly #sparedBytes: number;
  readonly #tables = new Set<DictTable>();
  #folder: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor({ leadership, sparedBytes = SPARED_BYTES }: DictTablesOptions) {
    this.#leadership = leadership;
    this.#sparedBytes = sparedBytes;
  }

  /** A table for who is on this machine, if there is room for one. */
  open(machine: string): DictTable | undefined {
    if (machine !== machineId()) return undefined;
    this.#sweep();
    if (this.#tables.size >= MOST_TABLES) return undefined;
    if (this.#folder === undefined) {
      // What killed servers left takes memory.
      void removeStaleSharedFolders().catch(() => undefined);
      this.#folder = openSharedFolder();
    }
    if (this.#folder === undefined || !this.#hasRoom(this.#folder)) return undefined;
    const table = this.#make(join(this.#folder, `table-${randomBytes(9).toString('hex')}`));
    if (!table) return undefined;
    this.#tables.add(table);
    this.#renew(table);
    this.#timer ??= setInterval(() => this.#sweep(), RENEW_EVERY_MS);
    return table;
  }

  close(): void {
    for (const table of this.#tables) table.close();
    this.#tables.clear();
    clearInterval(this.#timer);
    if (this.#folder !== undefined) removeSharedFolder(this.#folder);
    this.#folder = undefined;
  }

  // A table takes what is used of it, so what there is may all be used later.
  #hasRoom(folder: string): boolean {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= this.#sparedBytes + (this.#tables.size + 1) * TABLE_BYTES;
  }

  #make(path: string): DictTable | undefined {
    try {
      return new DictTable(path);
    } catch {
      // No room in memory, or the folder is gone: all goes on without it.
      return undefined;
    }
  }

  #renew(table: DictTable): void {
    if (this.#leadership.fence !== undefined) table.renew();
  }

  #sweep(): void {
    for (const table of this.#tables) {
      if (table.isWanted) this.#renew(table);
      else table.close();
      if (table.isClosed) this.#tables.delete(table);
    }
    if (this.#tables.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

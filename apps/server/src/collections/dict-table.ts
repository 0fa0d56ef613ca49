import { closeSync, fchmodSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

import type { DictEntry, DictRecord } from '@gantry/collections';
import { COLLECTION_LIMITS } from '@gantry/protocol';
import {
  bucketPosition,
  DICT_TABLE,
  findInBucket,
  machineTimeMs,
  type TableEntry,
  tableHeader,
  withEntry,
  withoutEntry,
} from '@gantry/protocol/dict-table';

/** What one takes at most. */
export const TABLE_BYTES = DICT_TABLE.headerBytes + DICT_TABLE.buckets * DICT_TABLE.bucketBytes;

/**
 * A table of a dict (see `dict-table` of the protocol), as its server writes it: of what was asked for, and in memory, as far
 * as there is room. What cannot be written closes it.
 */
export class DictTable {
  readonly path: string;
  readonly #file: number;
  readonly #bucket = new Uint8Array(DICT_TABLE.bucketBytes);
  #askedAtMs = performance.now();
  #closed = false;

  /** @throws what the system says if there can be no file of this path. */
  constructor(path: string) {
    this.path = path;
    // Others may only read it, those in containers among them.
    this.#file = openSync(path, 'wx+', 0o444);
    this.#guard(() => {
      fchmodSync(this.#file, 0o444);
      ftruncateSync(this.#file, TABLE_BYTES);
      this.#write(new Uint8Array(DICT_TABLE.headerBytes), 0);
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Somebody wants it to stay. */
  ask(): void {
    this.#askedAtMs = performance.now();
  }

  get isWanted(): boolean {
    return performance.now() - this.#askedAtMs < DICT_TABLE.keptMs;
  }

  /** It is valid for a while from now on. */
  renew(): void {
    this.#guard(() => this.#write(tableHeader(machineTimeMs() + DICT_TABLE.validMs), 0));
  }

  /** What is on disk of an entry, to be found in the table from now on. */
  fill({ id, touchedAtMs }: DictEntry, value: Uint8Array): void {
    this.#change(id, (bucket) => withEntry(bucket, entryOf(id, value, touchedAtMs)));
  }

  /** What has come to be on disk. */
  apply(records: readonly DictRecord[]): void {
    for (const record of records) {
      if ('set' in record) this.#replace(record);
      else if ('del' in record) this.#change(record.del, (bucket) => withoutEntry(bucket, record.del));
      else if ('clear' in record) this.#clear();
    }
  }

  /** Nobody reads it any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Also where there is no room for anything.
    ftruncateSync(this.#file, 0);
    closeSync(this.#file);
    try {
      unlinkSync(this.path);
    } catch {
      // Its folder is gone.
    }
  }

  #replace({ set: key, value, atMs }: Extract<DictRecord, { set: string }>): void {
    this.#change(key, (bucket) => {
      if (!findInBucket(bucket, key)) return undefined;
      if (!(value instanceof Uint8Array)) return withoutEntry(bucket, key);
      return withEntry(bucket, entryOf(key, value, atMs));
    });
  }

  #clear(): void {
    this.#guard(() => {
      // What is cut off comes back as nothing, with no moment between at which the file is closed to those who read.
      ftruncateSync(this.#file, DICT_TABLE.headerBytes);
      ftruncateSync(this.#file, TABLE_BYTES);
    });
  }

  #change(key: string, change: (bucket: Uint8Array) => Uint8Array | undefined): void {
    this.#guard(() => {
      const position = bucketPosition(key);
      readSync(this.#file, this.#bucket, 0, this.#bucket.length, position);
      const changed = change(this.#bucket);
      if (changed) this.#write(changed, position);
    });
  }

  #write(bytes: Uint8Array, position: number): void {
    const written = writeSync(this.#file, bytes, 0, bytes.length, position);
    if (written < bytes.length) throw new Error(`only ${written} bytes were written`);
  }

  // Such as a full file system: what is in the table could be wrong from now on.
  #guard(act: () => void): void {
    if (this.#closed) return;
    try {
      act();
    } catch {
      this.close();
    }
  }
}

function entryOf(key: string, value: Uint8Array, touchedAtMs: number): TableEntry {
  return { key, value, readUntilS: Math.floor((touchedAtMs + COLLECTION_LIMITS.dictTouchEveryMs) / 1_000) };
}

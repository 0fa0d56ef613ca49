import { closeSync, openSync, readSync } from 'node:fs';

import type { ClientMessage, DictOperation, DictValue } from '@gantry/protocol';
import { DICT_TABLE, TableReader } from '@gantry/protocol/dict-table';

/** A dict that is read as often is worth a table. */
const READS_BEFORE_TABLE = 3;
/** So long after an answer that there is none the worker is not asked again. */
const RETRY_MS = 5_000;
/** Well before its server would take a table away. */
const ASK_AGAIN_MS = DICT_TABLE.keptMs / 3;
/** Dicts that are read, and have a table open each. */
const MOST_DICTS = 64;

interface Known {
  reads: number;
  table: { file: number; reader: TableReader } | undefined;
  path: string | undefined;
  /** When the worker may be asked for the table the next time. */
  askAtMs: number;
  isAsking: boolean;
  /** Requests that change the dict and are not answered. */
  readonly writes: Set<number>;
}

/** Asks the worker where the table of a dict is. */
export type AskForTable = (dictId: string) => Promise<string | undefined>;

/**
 * The tables of dicts that the code of this container reads (see `dict-table` of the protocol).
 *
 * Invariants
 *   T1. While this container has changed a dict and does not know that this is done, it asks the server: its own changes are
 *       seen by what it asks after them.
 */
export class DictTables {
  readonly #ask: AskForTable;
  readonly #known = new Map<string, Known>();

  constructor(ask: AskForTable) {
    this.#ask = ask;
  }

  /** What the platform would answer now, if that can be seen here. What cannot be has to be sent, and {@link sent} told. */
  answer({ operation }: Extract<ClientMessage, { type: 'collection' }>): DictValue | true | undefined {
    if (operation.do !== 'dict.get' && operation.do !== 'dict.has') return undefined;
    const known = this.#knownOf(operation.id);
    known.reads++;
    if (known.reads >= READS_BEFORE_TABLE && performance.now() >= known.askAtMs)
      this.#askFor(operation.id, known);
    if (known.writes.size > 0) return undefined;
    const value = read(known, operation.key);
    return value && (operation.do === 'dict.has' ? true : { value });
  }

  sent({ requestId, operation }: Extract<ClientMessage, { type: 'collection' }>): void {
    if (changesDict(operation.do)) this.#knownOf((operation as DictOperation).id).writes.add(requestId);
  }

  answered(requestId: number): void {
    for (const { writes } of this.#known.values()) writes.delete(requestId);
  }

  #knownOf(dictId: string): Known {
    let known = this.#known.get(dictId);
    if (known) return known;
    known = { reads: 0, table: undefined, path: undefined, askAtMs: 0, isAsking: false, writes: new Set() };
    this.#known.set(dictId, known);
    this.#forgetOne();
    return known;
  }

  #forgetOne(): void {
    if (this.#known.size <= MOST_DICTS) return;
    for (const [id, known] of this.#known) {
      if (known.writes.size > 0 || known.isAsking) continue;
      close(known);
      this.#known.delete(id);
      return;
    }
  }

  #askFor(dictId: string, known: Known): void {
    if (known.isAsking) return;
    known.isAsking = true;
    this.#ask(dictId)
      .then((path) => open(known, path))
      .catch(() => close(known))
      .finally(() => {
        known.isAsking = false;
        known.askAtMs = performance.now() + (known.table === undefined ? RETRY_MS : ASK_AGAIN_MS);
      });
  }
}

function read(known: Known, key: string): Uint8Array | undefined {
  try {
    const entry = known.table?.reader.find(key);
    if (entry === 'closed') return close(known);
    if (entry === undefined || entry === 'not valid') return undefined;
    return Date.now() < entry.readUntilS * 1_000 ? entry.value : undefined;
  } catch {
    return close(known);
  }
}

function changesDict(what: string): boolean {
  return what === 'dict.put' || what === 'dict.update' || what === 'dict.remove' || what === 'dict.clear';
}

function open(known: Known, path: string | undefined): void {
  if (path === known.path && known.table) return;
  close(known);
  if (path === undefined) return;
  const file = openSync(path, 'r');
  const reader = new TableReader((into, position) => readSync(file, into, 0, into.length, position));
  known.table = { file, reader };
  known.path = path;
}

/** The next read asks for another one. */
function close(known: Known): undefined {
  if (known.table) closeSync(known.table.file);
  known.table = undefined;
  known.askAtMs = 0;
}

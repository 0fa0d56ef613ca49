import type { DictEntry, DictRecord, DictState, KeptValue } from '@gantry/collections';
import {
  COLLECTION_LIMITS,
  dayOf,
  type DictOperation,
  type DictPage,
  type DictTablePlace,
  type DictValue,
  parseBlobName,
  type Payload,
} from '@gantry/protocol';

import type { DictTable } from './dict-table.ts';
import type { OpenJournal } from './open-journal.ts';

/** Stores a blob again, as of today, and says its name. */
export type RefreshBlob = (blob: string) => Promise<string>;

export interface DictDeskOptions {
  state: DictState;
  journal: OpenJournal<DictRecord>;
  refresh: RefreshBlob;
  /** Makes a table for who is on this machine, if there can be one. */
  openTable: (machine: string) => DictTable | undefined;
}

/** Does what is asked of one dict. */
export class DictDesk {
  readonly #state: DictState;
  readonly #journal: OpenJournal<DictRecord>;
  readonly #refresh: RefreshBlob;
  readonly #openTable: DictDeskOptions['openTable'];
  #table: DictTable | undefined;

  constructor({ state, journal, refresh, openTable }: DictDeskOptions) {
    this.#state = state;
    this.#journal = journal;
    this.#refresh = refresh;
    this.#openTable = openTable;
    journal.listen({
      onWritten: (records) => this.#table?.apply(records),
      onFailed: () => this.close(),
    });
  }

  /** Others may keep the dict from now on. */
  close(): void {
    this.#table?.close();
  }

  /** Answers at once what is in memory and on disk; else by a promise. */
  perform(op: string, operation: DictOperation): unknown {
    const nowMs = Date.now();
    switch (operation.do) {
      case 'dict.get':
        return this.#getNow(operation.key, nowMs) ?? this.#get(operation.key, nowMs);
      case 'dict.has': {
        const found = this.#getNow(operation.key, nowMs);
        return found ? found.value !== undefined : this.#perform(operation, { op, nowMs });
      }
      case 'dict.put':
        return this.#carryOut(this.#state.put(operation, { op, nowMs }));
      case 'dict.table':
        return this.#placeOfTable(operation.machine);
      default:
        return this.#perform(operation, { op, nowMs });
    }
  }

  async #perform(
    operation: Exclude<DictOperation, { do: 'dict.get' | 'dict.put' | 'dict.table' }>,
    as: { op: string; nowMs: number },
  ): Promise<unknown> {
    const { nowMs } = as;
    switch (operation.do) {
      case 'dict.has':
        return (await this.#get(operation.key, nowMs)).value !== undefined;
      case 'dict.update':
        return await this.#carryOut(this.#state.update(operation.entries, as));
      case 'dict.remove': {
        const kept = await this.#carryOut(this.#state.remove(operation.key, as));
        return kept ? ({ value: await this.#journal.payloadOf(kept) } satisfies DictValue) : {};
      }
      case 'dict.len':
        await this.#expire(nowMs);
        return Math.min(this.#state.size, COLLECTION_LIMITS.dictLength);
      case 'dict.clear':
        return await this.#carryOut(this.#state.clear());
      case 'dict.page':
        return await this.#page(operation, nowMs);
    }
  }

  async tidy(): Promise<void> {
    await this.#expire(Date.now());
    await this.#journal.tidy();
  }

  get size(): number {
    return this.#state.size;
  }

  #placeOfTable(machine: string): DictTablePlace {
    if (this.#table?.isClosed !== false) this.#table = this.#openTable(machine);
    this.#table?.ask();
    return this.#table ? { path: this.#table.path } : {};
  }

  /** Undefined where something has to be written or read first: the note of a read, a value, what a put before it wrote. */
  #getNow(key: string, nowMs: number): DictValue | undefined {
    const { answer: entry, records } = this.#state.get(key, nowMs);
    if (entry === undefined) return this.#journal.isSettled ? {} : undefined;
    if (records.length > 0 || entry.kept.blob !== undefined || !this.#isOnDisk(entry)) return undefined;
    const value = this.#journal.heldPayloadOf(entry.kept);
    if (value instanceof Uint8Array) this.#table?.fill(entry, value);
    return value && { value };
  }

  // What it held before is replaced in memory at once: nothing newer of it is on its way.
  #isOnDisk({ kept }: DictEntry): boolean {
    return !this.#journal.failed && kept.message.sequence !== undefined;
  }

  async #get(key: string, nowMs: number): Promise<DictValue> {
    const { answer: entry, records } = this.#state.get(key, nowMs);
    const isSettled = this.#journal.settled();
    const kept = entry?.kept;
    // Whoever reads need not wait for the note that it did.
    if (kept?.blob !== undefined) await this.#keepBlob(key, kept, nowMs);
    else void this.#journal.append(records).catch(() => undefined);
    await isSettled;
    return kept
      ? { value: await this.#journal.payloadOf(this.#state.get(key, nowMs).answer?.kept ?? kept) }
      : {};
  }

  // Blobs are removed some days after that of their storing, so one that is read on a later day is stored again.
  async #keepBlob(key: string, kept: KeptValue, nowMs: number): Promise<void> {
    const payload = (await this.#journal.payloadOf(kept)) as Exclude<Payload, Uint8Array>;
    if (parseBlobName(payload.blob)?.day === dayOf(nowMs)) return;
    const blob = await this.#refresh(payload.blob);
    const { answer: entry } = this.#state.get(key, nowMs);
    if (entry?.kept !== kept) return;
    const value = { ...payload, blob };
    await this.#journal.append([{ set: key, key: entry.key, number: entry.number, value, atMs: nowMs }]);
  }

  async #page(
    { after, withValues }: { after: number; withValues: boolean },
    nowMs: number,
  ): Promise<DictPage> {
    const slice = this.#state.page(after, nowMs);
    await this.#journal.settled();
    const touched = withValues ? slice.entries.flatMap(({ id }) => this.#state.get(id, nowMs).records) : [];
    void this.#journal.append(touched).catch(() => undefined);
    const entries: DictPage['entries'] = [];
    for (const { key, kept } of slice.entries) {
      entries.push(withValues ? { key, value: await this.#journal.payloadOf(kept) } : { key });
    }
    return { entries, ...(slice.after === undefined ? {} : { after: slice.after }) };
  }

  async #expire(nowMs: number): Promise<void> {
    await this.#journal.appendEach(this.#state.expire(nowMs));
  }

  async #carryOut<T>({ answer, records }: { answer: T; records: DictRecord[] }): Promise<T> {
    await this.#journal.append(records);
    return answer;
  }
}

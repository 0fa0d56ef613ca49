import { COLLECTION_LIMITS, type DictKey, InvalidError, type Payload } from '@gantry/protocol';

import { type JournalMessage, JournalSpace, type KeptValue } from './journal-space.ts';
import { Receipts } from './receipts.ts';

const PAGE_ENTRIES = 2_000;
const PAGE_BYTES = 256 * 1024;

/** What happened to a dict, as its journal keeps it. */
export type DictRecord =
  | { set: string; key: Uint8Array; number: number; value: Payload; atMs: number; op?: string | undefined }
  | { del: string; op?: string | undefined }
  | { touch: string; atMs: number }
  | { clear: true };

export interface DictEntry {
  readonly id: string;
  readonly key: Uint8Array;
  /** Of its insertion: iteration goes by it. */
  readonly number: number;
  kept: KeptValue;
  /** When it was last written, or read, as far as that is in the journal. */
  touchedAtMs: number;
}

/** What an operation comes to: its answer, and what has to be in the journal before that is given. */
export interface Decision<T, TRecord> {
  answer: T;
  records: TRecord[];
}

export interface DictSlice {
  entries: DictEntry[];
  after?: number | undefined;
}

/**
 * The entries of a dict, as the records of its journal make them.
 *
 * Methods decide: they say which records follow, and change nothing. {@link apply} changes, in the order of the journal.
 */
export class DictState {
  readonly space = new JournalSpace();
  readonly #entries = new Map<string, DictEntry>();
  readonly #byValue = new Map<KeptValue, DictEntry>();
  /** What was written (true), or removed, by operation. */
  readonly #receipts = new Receipts<true | KeptValue>();
  readonly #onDrop: (kept: KeptValue) => void;
  #lastNumber = 0;

  /** @param onDrop - Told what is not needed any more. */
  constructor(onDrop: (kept: KeptValue) => void = () => undefined) {
    this.#onDrop = onDrop;
  }

  apply(record: DictRecord, at: { message: JournalMessage; record: number }, nowMs: number): void {
    if ('set' in record) this.#applySet(record, at, nowMs);
    else if ('del' in record) {
      const entry = this.#entries.get(record.del);
      if (!entry) return;
      this.#receipts.add(record.op, entry.kept, nowMs);
      this.#entries.delete(record.del);
      this.#drop(entry.kept, nowMs);
    } else if ('touch' in record) {
      const entry = this.#entries.get(record.touch);
      if (entry) entry.touchedAtMs = Math.max(entry.touchedAtMs, record.atMs);
    } else {
      for (const { kept } of this.#entries.values()) this.#drop(kept, nowMs);
      this.#entries.clear();
    }
  }

  /** Once the whole journal was applied: parts of it may have been written again out of their order. */
  loaded(): void {
    const entries = [...this.#entries.values()].sort((left, right) => left.number - right.number);
    this.#entries.clear();
    for (const entry of entries) this.#entries.set(entry.id, entry);
  }

  get(id: string, nowMs: number): Decision<DictEntry | undefined, DictRecord> {
    const entry = this.#find(id, nowMs);
    const isDue = entry !== undefined && nowMs - entry.touchedAtMs >= COLLECTION_LIMITS.dictTouchEveryMs;
    return { answer: entry, records: isDue ? [{ touch: id, atMs: nowMs }] : [] };
  }

  /** Answers whether it is written. */
  put(
    { key, value, skipIfExists = false }: { key: DictKey; value: Payload; skipIfExists?: boolean },
    { op, nowMs }: { op: string; nowMs: number },
  ): Decision<boolean, DictRecord> {
    if (this.#receipts.find(op)) return { answer: true, records: [] };
    if (skipIfExists && this.#find(key.id, nowMs)) return { answer: false, records: [] };
    return { answer: true, records: [this.#set(key, value, { op, nowMs })] };
  }

  /** @throws InvalidError for more than 10,000 entries. */
  update(
    entries: readonly { key: DictKey; value: Payload }[],
    { op, nowMs }: { op: string; nowMs: number },
  ): Decision<undefined, DictRecord> {
    if (entries.length > COLLECTION_LIMITS.dictUpdate) {
      throw new InvalidError(
        `an update has ${entries.length} entries, more than ${COLLECTION_LIMITS.dictUpdate}`,
        {
          hint: 'Split it.',
        },
      );
    }
    if (this.#receipts.find(op)) return { answer: undefined, records: [] };
    let number = this.#lastNumber;
    const records = entries.map(({ key, value }) => {
      const known = this.#find(key.id, nowMs)?.number;
      return { ...this.#set(key, value, { op, nowMs }), number: known ?? ++number };
    });
    return { answer: undefined, records };
  }

  /** Answers the value that is removed. */
  remove(
    id: string,
    { op, nowMs }: { op: string; nowMs: number },
  ): Decision<KeptValue | undefined, DictRecord> {
    const before = this.#receipts.find(op)?.answer;
    if (before !== undefined && before !== true) return { answer: before, records: [] };
    const entry = this.#find(id, nowMs);
    return { answer: entry?.kept, records: entry ? [{ del: id, op }] : [] };
  }

  clear(): Decision<undefined, DictRecord> {
    return { answer: undefined, records: this.#entries.size > 0 ? [{ clear: true }] : [] };
  }

  /** Entries, those included whose time is over and that are not removed yet. */
  get size(): number {
    return this.#entries.size;
  }

  /** Entries inserted after number `after`, as many as make a page. What is written meanwhile may be in a later one. */
  page(after: number, nowMs: number): DictSlice {
    const entries: DictEntry[] = [];
    let bytes = 0;
    for (const entry of this.#entries.values()) {
      if (entry.number <= after || isExpired(entry, nowMs)) continue;
      if (
        entries.length === PAGE_ENTRIES ||
        (entries.length > 0 && bytes + entry.kept.valueBytes > PAGE_BYTES)
      )
        return { entries, after: entries.at(-1)?.number };
      entries.push(entry);
      bytes += entry.kept.valueBytes + entry.key.length;
    }
    return { entries };
  }

  /** What removes the entries whose time is over. */
  expire(nowMs: number): DictRecord[] {
    const over = [...this.#entries.values()].filter((entry) => isExpired(entry, nowMs));
    return over.map(({ id }) => ({ del: id }));
  }

  /** What writes again what is needed of the oldest part of the journal. `values` are their payloads. */
  restate(values: readonly { kept: KeptValue; payload: Payload }[]): DictRecord[] {
    return values.flatMap(({ kept, payload }) => {
      const entry = this.#byValue.get(kept);
      if (!entry) return [];
      const { id, key, number, touchedAtMs } = entry;
      return [{ set: id, key, number, value: payload, atMs: touchedAtMs }];
    });
  }

  #find(id: string, nowMs: number): DictEntry | undefined {
    const entry = this.#entries.get(id);
    return entry && !isExpired(entry, nowMs) ? entry : undefined;
  }

  #set(key: DictKey, value: Payload, { op, nowMs }: { op: string; nowMs: number }) {
    const number = this.#find(key.id, nowMs)?.number ?? this.#lastNumber + 1;
    return { set: key.id, key: key.bytes, number, value, atMs: nowMs, op };
  }

  #applySet(
    record: Extract<DictRecord, { set: string }>,
    { message, record: index }: { message: JournalMessage; record: number },
    nowMs: number,
  ): void {
    const { set: id, number, value, atMs, op } = record;
    const key = new Uint8Array(record.key);
    this.#receipts.add(op, true, nowMs);
    this.#lastNumber = Math.max(this.#lastNumber, number);
    const before = this.#entries.get(id);
    const kept = this.space.keep(value, message, { record: index, value: 0 });
    if (before) {
      const isSame = before.kept.blob !== undefined && before.kept.blob === kept.blob;
      this.#drop(before.kept, nowMs, isSame);
      // A new entry in the place of one whose time was over goes to the end.
      if (before.number !== number) this.#entries.delete(id);
    }
    const entry: DictEntry = { id, key, number, kept, touchedAtMs: atMs };
    this.#entries.set(id, entry);
    this.#byValue.set(kept, entry);
  }

  #drop(kept: KeptValue, nowMs: number, isWrittenAgain = false): void {
    this.#byValue.delete(kept);
    this.space.drop(kept, nowMs);
    if (!isWrittenAgain) this.#onDrop(kept);
  }
}

function isExpired({ touchedAtMs }: DictEntry, nowMs: number): boolean {
  return nowMs - touchedAtMs >= COLLECTION_LIMITS.dictExpiryMs + COLLECTION_LIMITS.dictTouchEveryMs;
}

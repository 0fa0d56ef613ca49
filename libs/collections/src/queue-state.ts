import { COLLECTION_LIMITS, InvalidError, type Payload, ResourceExhaustedError } from '@gantry/protocol';

import type { Decision } from './dict-state.ts';
import { type JournalMessage, JournalSpace, type KeptValue } from './journal-space.ts';
import { Receipts } from './receipts.ts';

const ANSWER_BYTES = 256 * 1024;

/** What happened to a queue, as its journal keeps it. */
export type QueueRecord =
  /** `first` is the number of the first value; the others follow. */
  | { put: string; first: number; values: Payload[]; atMs: number; ttlMs: number; op?: string | undefined }
  /** `op` is the name of the loan. */
  | { took: string; numbers: number[]; op: string }
  | { clear: string }
  | { clearAll: true };

export interface QueueItem {
  readonly number: number;
  readonly partition: string;
  readonly kept: KeptValue;
  /** The loan in which it is handed out, whose receipt is not confirmed. */
  loan?: string | undefined;
}

interface Partition {
  /** By number, which is their order. */
  readonly items: Map<number, QueueItem>;
  handedOut: number;
  lastPutAtMs: number;
  ttlMs: number;
}

interface Loan {
  /** The request that it answers. */
  op: string;
  items: QueueItem[];
  partition: string;
  untilMs: number;
}

export interface QueueSlice {
  items: QueueItem[];
  /** There are more that could have been among them. */
  more: boolean;
}

/**
 * The partitions of a queue, as the records of its journal make them, and who has been handed what.
 *
 * Invariants
 *   Q1. An item is in one loan at a time: until its receipt is confirmed, it is given back, or its 10 s have run out. Then
 *       it is in its old place.
 *   Q2. An item leaves with the record of the confirmation, and is never handed out again.
 *   Q3. Loans are not in the journal: whoever keeps the queue next hands out anew what was not confirmed. So each loan has a
 *       name of its own: the same request, asked again, may be answered with other items, which the receipt of the first
 *       ones must not confirm.
 */
export class QueueState {
  readonly space = new JournalSpace();
  readonly #partitions = new Map<string, Partition>();
  readonly #loans = new Map<string, Loan>();
  /** Names of loans, by the requests that they answer. */
  readonly #loansOf = new Map<string, string>();
  readonly #byValue = new Map<KeptValue, QueueItem>();
  readonly #receipts = new Receipts<true>();
  readonly #onDrop: (kept: KeptValue) => void;
  #lastNumber = 0;

  /** @param onDrop - Told what is not needed any more. */
  constructor(onDrop: (kept: KeptValue) => void = () => undefined) {
    this.#onDrop = onDrop;
  }

  apply(record: QueueRecord, at: { message: JournalMessage; record: number }, nowMs: number): void {
    if ('put' in record) this.#applyPut(record, at, nowMs);
    else if ('took' in record) {
      this.#receipts.add(record.op, true, nowMs);
      this.#forget(record.op);
      for (const number of record.numbers) this.#remove(record.took, number, nowMs);
    } else if ('clear' in record) this.#removeAll(record.clear, nowMs);
    else for (const partition of [...this.#partitions.keys()]) this.#removeAll(partition, nowMs);
  }

  /** Once the whole journal was applied: parts of it may have been written again out of their order. */
  loaded(): void {
    for (const { items } of this.#partitions.values()) {
      const sorted = [...items.values()].sort((left, right) => left.number - right.number);
      items.clear();
      for (const item of sorted) items.set(item.number, item);
    }
  }

  /**
   * Answers whether there is room for all.
   *
   * @throws InvalidError for more items than a partition may have, ResourceExhaustedError for a partition too many.
   */
  put(
    { partition, values, ttlMs }: { partition: string; values: readonly Payload[]; ttlMs: number },
    { op, nowMs }: { op: string; nowMs: number },
  ): Decision<boolean, QueueRecord> {
    const { queueItems, queuePartitions } = COLLECTION_LIMITS;
    if (values.length > queueItems) {
      throw new InvalidError(
        `a partition holds ${queueItems} items, so ${values.length} cannot be put at once`,
        {
          hint: 'Split them.',
        },
      );
    }
    if (values.length === 0 || this.#receipts.find(op)) return { answer: true, records: [] };
    const records = this.#expired(partition, nowMs);
    const size = records.length > 0 ? 0 : (this.#partitions.get(partition)?.items.size ?? 0);
    if (size + values.length > queueItems) return { answer: false, records: [] };
    if (size === 0 && !this.#partitions.has(partition) && this.#partitions.size >= queuePartitions) {
      throw new ResourceExhaustedError(`the queue has ${queuePartitions} partitions already`, {
        hint: 'Take from those that are there, clear some, or set a shorter partitionTtlMs.',
      });
    }
    const first = this.#lastNumber + 1;
    records.push({ put: partition, first, values: [...values], atMs: nowMs, ttlMs, op });
    return { answer: true, records };
  }

  /**
   * Hands out up to `count` items, as many as one answer carries; asking again with the same `op` gives the same.
   *
   * @param from.loan - Name for a new loan, never used before.
   */
  take(
    { partition, count, op, loan }: { partition: string; count: number; op: string; loan: string },
    nowMs: number,
  ): QueueSlice & { loan?: string | undefined } {
    const untilMs = nowMs + COLLECTION_LIMITS.itemLeaseMs;
    const known = this.#loansOf.get(op);
    const before = known === undefined ? undefined : this.#loans.get(known);
    if (before) {
      before.untilMs = untilMs;
      return { items: before.items, more: false, loan: known };
    }
    const slice = this.peek({ partition, count, after: 0 }, nowMs);
    const found = this.#partitions.get(partition);
    if (!found || slice.items.length === 0) return slice;
    for (const item of slice.items) item.loan = loan;
    found.handedOut += slice.items.length;
    this.#loans.set(loan, { op, items: slice.items, partition, untilMs });
    this.#loansOf.set(op, loan);
    return { ...slice, loan };
  }

  /** Answers whether the items are the taker's. */
  confirm(loan: string): Decision<boolean, QueueRecord> {
    if (this.#receipts.find(loan)) return { answer: true, records: [] };
    const found = this.#loans.get(loan);
    if (!found) return { answer: false, records: [] };
    const numbers = found.items.map(({ number }) => number);
    return { answer: true, records: [{ took: found.partition, numbers, op: loan }] };
  }

  /** Gives back what was not confirmed; says to which partition. */
  release(loan: string): string | undefined {
    const found = this.#forget(loan);
    if (!found) return undefined;
    for (const item of found.items) item.loan = undefined;
    const partition = this.#partitions.get(found.partition);
    if (partition) partition.handedOut -= found.items.length;
    return found.partition;
  }

  /** Gives back what was not confirmed in time; says to which partitions. */
  releaseLate(nowMs: number): string[] {
    const late = [...this.#loans].filter(([, { untilMs }]) => nowMs >= untilMs);
    return late.map(([loan]) => this.release(loan)).filter((partition) => partition !== undefined);
  }

  /** Items behind number `after` that nobody was handed, from the head on. */
  peek(
    { partition, count, after }: { partition: string; count: number; after: number },
    nowMs: number,
  ): QueueSlice {
    const items: QueueItem[] = [];
    if (this.#expired(partition, nowMs).length > 0) return { items, more: false };
    let bytes = 0;
    for (const item of this.#partitions.get(partition)?.items.values() ?? []) {
      if (item.loan !== undefined || item.number <= after) continue;
      const isFull =
        items.length === count || (items.length > 0 && bytes + item.kept.valueBytes > ANSWER_BYTES);
      if (isFull) return { items, more: items.length < count };
      items.push(item);
      bytes += item.kept.valueBytes;
    }
    return { items, more: false };
  }

  /** Items that nobody was handed, of one partition or of all. */
  size(partition: string | undefined, nowMs: number): number {
    if (partition === undefined) {
      return [...this.#partitions.keys()].reduce((sum, name) => sum + this.size(name, nowMs), 0);
    }
    const found = this.#partitions.get(partition);
    return !found || this.#expired(partition, nowMs).length > 0 ? 0 : found.items.size - found.handedOut;
  }

  partitions(nowMs: number): number {
    return [...this.#partitions.keys()].filter((name) => this.size(name, nowMs) > 0).length;
  }

  /** One partition, or all. */
  clear(partition?: string): Decision<undefined, QueueRecord> {
    if (partition === undefined) {
      return { answer: undefined, records: this.#partitions.size > 0 ? [{ clearAll: true }] : [] };
    }
    return { answer: undefined, records: this.#partitions.has(partition) ? [{ clear: partition }] : [] };
  }

  /** What clears the partitions whose time is over. */
  expire(nowMs: number): QueueRecord[] {
    return [...this.#partitions.keys()].flatMap((partition) => this.#expired(partition, nowMs));
  }

  /** What writes again what is needed of the oldest part of the journal. `values` are their payloads. */
  restate(values: readonly { kept: KeptValue; payload: Payload }[]): QueueRecord[] {
    return values.flatMap(({ kept, payload }) => {
      const item = this.#byValue.get(kept);
      const partition = item && this.#partitions.get(item.partition);
      if (!partition) return [];
      const { lastPutAtMs: atMs, ttlMs } = partition;
      return [{ put: item.partition, first: item.number, values: [payload], atMs, ttlMs }];
    });
  }

  #forget(loan: string): Loan | undefined {
    const found = this.#loans.get(loan);
    this.#loans.delete(loan);
    if (found && this.#loansOf.get(found.op) === loan) this.#loansOf.delete(found.op);
    return found;
  }

  #expired(partition: string, nowMs: number): QueueRecord[] {
    const found = this.#partitions.get(partition);
    return found && nowMs - found.lastPutAtMs >= found.ttlMs ? [{ clear: partition }] : [];
  }

  #applyPut(
    record: Extract<QueueRecord, { put: string }>,
    { message, record: index }: { message: JournalMessage; record: number },
    nowMs: number,
  ): void {
    const { put: name, first, values, atMs, ttlMs, op } = record;
    this.#receipts.add(op, true, nowMs);
    let partition = this.#partitions.get(name);
    if (!partition) {
      partition = { items: new Map(), handedOut: 0, lastPutAtMs: atMs, ttlMs };
      this.#partitions.set(name, partition);
    }
    if (atMs >= partition.lastPutAtMs) Object.assign(partition, { lastPutAtMs: atMs, ttlMs });
    this.#lastNumber = Math.max(this.#lastNumber, first + values.length - 1);
    for (const [offset, value] of values.entries()) {
      const number = first + offset;
      const known = partition.items.get(number);
      const slot = { record: index, value: offset };
      if (known) {
        this.space.move(known.kept, message, slot);
        continue;
      }
      const item = { number, partition: name, kept: this.space.keep(value, message, slot) };
      partition.items.set(number, item);
      this.#byValue.set(item.kept, item);
    }
  }

  #remove(name: string, number: number, nowMs: number): void {
    const partition = this.#partitions.get(name);
    const item = partition?.items.get(number);
    if (!partition || !item) return;
    partition.items.delete(number);
    if (item.loan !== undefined) partition.handedOut--;
    this.#byValue.delete(item.kept);
    this.space.drop(item.kept, nowMs);
    this.#onDrop(item.kept);
    if (partition.items.size === 0) this.#partitions.delete(name);
  }

  #removeAll(name: string, nowMs: number): void {
    const partition = this.#partitions.get(name);
    if (!partition) return;
    for (const [loan, { partition: from }] of [...this.#loans]) if (from === name) this.release(loan);
    for (const number of [...partition.items.keys()]) this.#remove(name, number, nowMs);
  }
}

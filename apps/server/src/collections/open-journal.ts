import type { JournalMessage as Message, KeptValue, Slot } from '@gantry/collections';
import { JournalMessage, type JournalSpace } from '@gantry/collections';
import type { JournalStore } from '@gantry/messaging';
import {
  decodeFrame,
  encodeFrame,
  InternalFailure,
  isGantryError,
  newId,
  type Payload,
  RequestSizeError,
} from '@gantry/protocol';

import type { ValueCache } from './value-cache.ts';

/** Larger ones are split between two operations. */
const BATCH_BYTES = 256 * 1024;
const RECORD_BYTES = 64;
/** Of what has to be in one message, which NATS takes up to 8 MiB. */
const MESSAGE_BYTES = 7 * 1024 ** 2;

/** What a journal's records make. */
export interface JournaledState<TRecord> {
  readonly space: JournalSpace;
  apply(record: TRecord, at: { message: Message; record: number }, nowMs: number): void;
  loaded(): void;
  restate(values: readonly { kept: KeptValue; payload: Payload }[]): TRecord[];
}

export interface OpenJournalOptions<TRecord> {
  id: string;
  journals: JournalStore;
  cache: ValueCache;
  state: JournaledState<TRecord>;
}

export interface JournalListener<TRecord> {
  /** These are on disk now, and nobody is told yet. */
  onWritten(records: readonly TRecord[]): void;
  /** The journal is of no more use. */
  onFailed(): void;
}

interface Batch<TRecord> {
  message: Message;
  records: TRecord[];
  sizeBytes: number;
  done: Completion;
}

type AnyRecord = { key?: Uint8Array; value?: Payload; values?: Payload[] };

/**
 * The journal of a dict or queue, and the state that it makes, in the hands of the one server that writes it.
 *
 * Invariants
 *   O1. A record changes the state at once, and whoever caused it, or saw what it changed, is answered only when it is
 *       on disk. All that comes while one message is being written makes the next one.
 *   O2. Opening appends an empty message: whoever wrote before and does not know that it must not any more, fails.
 *   O3. After a failure this journal is of no more use: the state may hold what is not on disk.
 */
export class OpenJournal<TRecord extends object> {
  readonly #options: OpenJournalOptions<TRecord>;
  readonly #sealed: Batch<TRecord>[] = [];
  #batch: Batch<TRecord> | undefined;
  #writing: Batch<TRecord> | undefined;
  #last = 0;
  #listener: JournalListener<TRecord> | undefined;
  #failure: unknown;

  private constructor(options: OpenJournalOptions<TRecord>) {
    this.#options = options;
  }

  static async open<TRecord extends object>(
    options: OpenJournalOptions<TRecord>,
  ): Promise<OpenJournal<TRecord>> {
    const journal = new OpenJournal(options);
    const { state, journals, id, cache } = options;
    const nowMs = Date.now();
    for await (const { sequence, data } of journals.read(id)) {
      const message = new JournalMessage(sequence);
      state.space.add(message);
      for (const [record, value] of decodeFrame<TRecord[]>(data).entries()) {
        state.apply(value, { message, record }, nowMs);
      }
      for (const kept of message.live) cache.add(kept);
      journal.#last = sequence;
    }
    state.loaded();
    await journal.#begin().done.promise;
    return journal;
  }

  listen(listener: JournalListener<TRecord>): void {
    this.#listener = listener;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Applies records at once; resolves when they are on disk, all or none.
   *
   * @throws RequestSizeError, with nothing applied, for more than 7 MiB.
   */
  append(records: readonly TRecord[]): Promise<void> {
    if (records.length === 0) return this.settled();
    if (this.#failure !== undefined) return Promise.reject(this.#unusable());
    const sizeBytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
    if (sizeBytes > MESSAGE_BYTES) return Promise.reject(tooLarge(sizeBytes));
    if (this.#batch && this.#batch.sizeBytes + sizeBytes > BATCH_BYTES) {
      this.#sealed.push(this.#batch);
      this.#batch = undefined;
    }
    const batch = this.#batch ?? this.#begin();
    batch.sizeBytes += sizeBytes;
    const nowMs = Date.now();
    for (const record of records) {
      const index = batch.records.push(record) - 1;
      this.#options.state.apply(record, { message: batch.message, record: index }, nowMs);
    }
    return batch.done.promise;
  }

  /** Like {@link append}, in as many messages as it takes: none of them needs the others. */
  async appendEach(records: readonly TRecord[]): Promise<void> {
    if (records.length === 0) return await this.settled();
    await Promise.all(records.map((record) => this.append([record])));
  }

  /** Resolves when all that was appended is on disk. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#unusable());
    return (this.#batch ?? this.#sealed.at(-1) ?? this.#writing)?.done.promise ?? Promise.resolve();
  }

  /** Whether all that was appended is on disk. */
  get isSettled(): boolean {
    return this.#failure === undefined && (this.#batch ?? this.#sealed.at(-1) ?? this.#writing) === undefined;
  }

  /** What an entry or item holds, if that is in memory. */
  heldPayloadOf(kept: KeptValue): Payload | undefined {
    if (kept.payload !== undefined) this.#options.cache.add(kept);
    return kept.payload;
  }

  /** What an entry or item holds: from memory, or from the journal. */
  async payloadOf(kept: KeptValue): Promise<Payload> {
    const { journals, cache, id } = this.#options;
    let { payload } = kept;
    while (payload === undefined) {
      // It may be written again while it is read.
      const { message, slot } = kept;
      const { sequence } = message;
      const data = sequence === undefined ? undefined : await journals.readAt(sequence);
      if (data) payload = ownCopy(valueAt(decodeFrame<AnyRecord[]>(data), slot));
      else if (kept.message === message) {
        throw new InternalFailure(`a value of journal "${id}" is not there any more`);
      }
    }
    kept.payload = payload;
    cache.add(kept);
    return payload;
  }

  /** Drops what nobody needs; writes again what is needed of the oldest part when most of the journal is not. */
  async tidy(): Promise<void> {
    const { state, journals, id } = this.#options;
    const before = state.space.trim(Date.now());
    if (before !== undefined) await journals.trim(id, before);
    const values = await Promise.all(
      state.space.wasteful().map(async (kept) => ({ kept, payload: await this.payloadOf(kept) })),
    );
    // At one go: what was taken or replaced since then would be there again.
    await this.appendEach(state.restate(values));
  }

  #begin(): Batch<TRecord> {
    const message = new JournalMessage();
    this.#options.state.space.add(message);
    const batch: Batch<TRecord> = { message, records: [], sizeBytes: 0, done: new Completion() };
    this.#batch = batch;
    if (!this.#writing) setImmediate(() => void this.#write());
    return batch;
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    const { id, journals, cache } = this.#options;
    for (let batch = this.#next(); batch; batch = this.#next()) {
      this.#writing = batch;
      try {
        const body = encodeFrame(batch.records);
        const messageId = newId('in');
        batch.message.sequence = this.#last = await journals.append(id, body, {
          after: this.#last,
          messageId,
        });
        for (const kept of batch.message.live) cache.add(kept);
        this.#listener?.onWritten(batch.records);
        batch.done.resolve();
      } catch (error) {
        this.#fail(error);
      }
      this.#writing = undefined;
    }
  }

  #next(): Batch<TRecord> | undefined {
    const batch = this.#sealed.shift() ?? this.#batch;
    if (batch === this.#batch) this.#batch = undefined;
    return batch;
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#listener?.onFailed();
    const failed = [this.#writing, ...this.#sealed.splice(0), this.#batch];
    this.#batch = undefined;
    for (const batch of failed) batch?.done.reject(this.#unusable());
  }

  /** Asked again, another server, or this one after it has read the journal anew, does it. */
  #unusable(): Error {
    const cause = this.#failure;
    if (isGantryError(cause) && cause.code !== 'CONFLICT') return cause;
    return new InternalFailure(`journal "${this.#options.id}" is kept elsewhere by now`, { cause });
  }
}

class Completion {
  readonly promise: Promise<void>;
  resolve: () => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    // Whoever waits hears of a failure; perhaps nobody does.
    this.promise.catch(() => undefined);
  }
}

/** Apart from its message, which may be much larger. */
function ownCopy(payload: Payload | undefined): Payload | undefined {
  return payload instanceof Uint8Array ? new Uint8Array(payload) : payload;
}

function sizeOf(record: AnyRecord): number {
  const { key, value, values = [] } = record;
  let bytes = RECORD_BYTES + (key?.length ?? 0);
  for (const payload of value === undefined ? values : [value]) {
    bytes += payload instanceof Uint8Array ? payload.length : RECORD_BYTES;
  }
  return bytes;
}

function tooLarge(sizeBytes: number): Error {
  return new RequestSizeError(`an operation of ${sizeBytes} bytes is above the limit of ${MESSAGE_BYTES}`, {
    hint: 'Split it.',
  });
}

function valueAt(records: readonly AnyRecord[], slot: Slot): Payload | undefined {
  const record = records[slot.record];
  return record?.value ?? record?.values?.[slot.value];
}

import type { Payload } from '@gantry/protocol';

const OVERHEAD_BYTES = 64;
/** Below this much in vain a journal is left alone. */
const SPARED_BYTES = 1024 ** 2;
/** Whoever asks for the second time what was done already is answered from the journal for this long. */
export const REMEMBERED_MS = 60_000;

/** Where in a message of the journal a value is: the number of its record, and its number in that. */
export interface Slot {
  record: number;
  value: number;
}

/** One message of a journal. */
export class JournalMessage {
  /** Undefined until it is stored. */
  sequence: number | undefined;
  sizeBytes = 0;
  /** Since when nothing in it is needed. */
  deadSinceMs: number | undefined;
  /** What is in it and not removed or replaced since. */
  readonly live = new Set<KeptValue>();

  constructor(sequence?: number) {
    this.sequence = sequence;
  }
}

/** A value of an entry or item. Its bytes may be in memory; they are in the journal, or the blob store, in any case. */
export class KeptValue {
  message: JournalMessage;
  slot: Slot;
  /** In the journal. */
  readonly sizeBytes: number;
  /** Of the value, wherever it is. */
  readonly valueBytes: number;
  /** Undefined while they are only in the journal. */
  payload: Payload | undefined;
  readonly blob: string | undefined;

  constructor(payload: Payload, message: JournalMessage, slot: Slot) {
    const isInline = payload instanceof Uint8Array;
    // A copy: what it is a part of may be large.
    this.payload = isInline ? new Uint8Array(payload) : payload;
    this.message = message;
    this.slot = slot;
    this.blob = isInline ? undefined : payload.blob;
    this.valueBytes = isInline ? payload.length : payload.sizeBytes;
    this.sizeBytes = OVERHEAD_BYTES + (isInline ? payload.length : 0);
    this.#enter();
  }

  /** It was written again, so as to be able to drop the older part of the journal. */
  move(message: JournalMessage, slot: Slot): void {
    this.message.live.delete(this);
    this.message = message;
    this.slot = slot;
    this.#enter();
  }

  #enter(): void {
    this.message.live.add(this);
    this.message.sizeBytes += this.sizeBytes;
  }
}

/**
 * Which part of a journal is still needed.
 *
 * Invariants
 *   J1. A journal is dropped from its beginning only: what a record removes is in an earlier message, so it is gone
 *       before the record is.
 *   J2. A message is dropped a minute after the last thing in it was removed: who took it may ask again.
 *   J3. The last message always stays: its sequence is what the next one is appended after.
 */
export class JournalSpace {
  readonly #messages: JournalMessage[] = [];
  #liveBytes = 0;
  #totalBytes = 0;

  add(message: JournalMessage): void {
    this.#messages.push(message);
  }

  get length(): number {
    return this.#messages.length;
  }

  keep(payload: Payload, message: JournalMessage, slot: Slot): KeptValue {
    const kept = new KeptValue(payload, message, slot);
    this.#liveBytes += kept.sizeBytes;
    this.#totalBytes += kept.sizeBytes;
    return kept;
  }

  move(kept: KeptValue, message: JournalMessage, slot: Slot): void {
    const before = kept.message;
    kept.move(message, slot);
    this.#totalBytes += kept.sizeBytes;
    // Its bytes are in the newer message, so the older one need not wait.
    if (before.live.size === 0) before.deadSinceMs = -Infinity;
  }

  drop(kept: KeptValue, nowMs: number): void {
    if (!kept.message.live.delete(kept)) return;
    this.#liveBytes -= kept.sizeBytes;
    if (kept.message.live.size === 0) kept.message.deadSinceMs = nowMs;
  }

  /** Forgets the messages at the beginning that nobody needs, and says from which sequence on the others are. */
  trim(nowMs: number): number | undefined {
    let count = 0;
    for (const message of this.#messages) {
      if (message.sequence === undefined || message.live.size > 0) break;
      if (nowMs - (message.deadSinceMs ??= nowMs) < REMEMBERED_MS) break;
      if (++count === this.#messages.length) break;
    }
    count = Math.min(count, this.#messages.length - 1);
    const first = this.#messages[count];
    if (count <= 0 || first?.sequence === undefined) return undefined;
    for (const { sizeBytes } of this.#messages.splice(0, count)) this.#totalBytes -= sizeBytes;
    return first.sequence;
  }

  /** What is needed of the oldest message, when most of the journal is not: written again, it lets go of it. */
  wasteful(): KeptValue[] {
    if (this.#totalBytes < 2 * this.#liveBytes + SPARED_BYTES) return [];
    const oldest = this.#messages.find((message) => message.live.size > 0);
    return oldest?.sequence === undefined || oldest === this.#messages.at(-1) ? [] : [...oldest.live];
  }
}

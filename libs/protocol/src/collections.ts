import { InvalidError } from './errors.ts';
import type { Payload } from './payload.ts';

/** Dicts and queues: data that programs and containers share by name. */
export type CollectionKind = 'dict' | 'queue';

/** A dict or queue as the registry keeps it, under `collection.<id>`. */
export interface CollectionRecord {
  /** `di-…` or `qu-…`. */
  id: string;
  kind: CollectionKind;
  /** Absent for one that is ephemeral. */
  name?: string | undefined;
  environment: string;
  createdAtMs: number;
}

/** A dict or queue as lists show it. */
export interface CollectionSummary extends CollectionRecord {
  /** Entries of a dict, items of a queue. */
  length: number;
  /** Of a queue: partitions that have items. */
  partitions?: number | undefined;
}

export const COLLECTION_LIMITS = {
  /** Encoded value of one entry of a dict. */
  dictValueBytes: 100 * 1024 ** 2,
  /** Entries of one `update`. */
  dictUpdate: 10_000,
  /** What `len` of a dict counts up to. */
  dictLength: 100_000,
  /** An entry that was neither read nor written for so long is removed; up to an hour later. */
  dictExpiryMs: 7 * 24 * 3600 * 1000,
  /** A read is written down when the last one that was is older than this: so an entry lives up to so much longer. */
  dictTouchEveryMs: 3_600_000,
  queuePartitions: 100_000,
  /** Items of one partition, those included that are on their way to a taker. */
  queueItems: 5_000,
  /** Encoded item. */
  queueItemBytes: 1024 ** 2,
  partitionKeyBytes: 64,
  /** After its last put a partition is cleared; a put may set less. */
  partitionTtlMs: 24 * 3600 * 1000,
  /** How long the platform waits at a time for an item, or for room, before its client asks again. */
  waitMs: 3_000,
  /** An item that was handed out, and whose receipt is not confirmed within this time, is in the queue again. */
  itemLeaseMs: 10_000,
} as const;

/** A key of a dict: its canonical text (`canonicalKey`), and itself, encoded. */
export interface DictKey {
  id: string;
  bytes: Uint8Array;
}

/**
 * What is asked of dicts and queues. Each is answered by the value that its comment names. Sending one again is harmless: the
 * platform knows it by its session and request.
 */
export type CollectionOperation = CollectionLookup | DictOperation | QueueOperation;

export type CollectionLookup =
  /** A {@link CollectionRecord}. */
  | { do: 'open'; kind: CollectionKind; environment: string; name: string; createIfMissing: boolean }
  /** A {@link CollectionRecord}; it lives while a session holds its id. */
  | { do: 'openEphemeral'; kind: CollectionKind; environment: string }
  /** {@link CollectionSummary}s, by name. */
  | { do: 'list'; kind: CollectionKind; environment: string }
  | { do: 'delete'; kind: CollectionKind; environment: string; name: string };

export type DictOperation =
  /** A {@link DictValue}. */
  | { do: 'dict.get'; id: string; key: string }
  | { do: 'dict.has'; id: string; key: string }
  /** Whether it was written. */
  | { do: 'dict.put'; id: string; key: DictKey; value: Payload; skipIfExists: boolean }
  | { do: 'dict.update'; id: string; entries: { key: DictKey; value: Payload }[] }
  /** The {@link DictValue} that was removed. */
  | { do: 'dict.remove'; id: string; key: string }
  /** At most {@link COLLECTION_LIMITS.dictLength}. */
  | { do: 'dict.len'; id: string }
  | { do: 'dict.clear'; id: string }
  /** A {@link DictPage} of what was inserted after what `after` names. */
  | { do: 'dict.page'; id: string; after: number; withValues: boolean }
  /** A {@link DictTablePlace}. Asked again, the table stays. `machine` is that of the asking worker, see `machineId`. */
  | { do: 'dict.table'; id: string; machine: string };

/** `value` is absent if there is no entry of the key. */
export interface DictValue {
  value?: Payload | undefined;
}

/** Where the machine has a table of the dict (see `dict-table`); nowhere if it is not the server's, or has no place for it. */
export interface DictTablePlace {
  path?: string | undefined;
}

export interface DictPage {
  entries: { key: Uint8Array; value?: Payload | undefined }[];
  /** Where the next page begins; undefined after the last one. */
  after?: number | undefined;
}

export type QueueOperation =
  /** Whether all were put; false when there was no room in time. */
  | { do: 'queue.put'; id: string; partition: string; values: Payload[]; ttlMs: number; waitMs: number }
  /** A {@link QueueItems}: empty when nothing came in time. They are the taker's once it has confirmed their receipt. */
  | { do: 'queue.take'; id: string; partition: string; count: number; waitMs: number }
  /** Whether the items are the taker's. If not they are in the queue again, or another one's. */
  | { do: 'queue.confirm'; id: string; loan: string }
  /** Gives back what was not confirmed. */
  | { do: 'queue.release'; id: string; loan: string }
  /** Of one partition, or of all. */
  | { do: 'queue.len'; id: string; partition?: string | undefined }
  | { do: 'queue.clear'; id: string; partition?: string | undefined }
  /** A {@link QueuePage}: items behind what `after` names, from the head on, which stay in the queue. */
  | { do: 'queue.peek'; id: string; partition: string; after: number; count: number; waitMs: number };

export interface QueueItems {
  /** Names what was handed out, to confirm or release it; empty for nothing. */
  loan: string;
  values: Payload[];
  /** There are more that could have been handed out. */
  more: boolean;
}

export interface QueuePage {
  values: Payload[];
  /** Where the next page begins. */
  after: number;
  /** There are more now. */
  more: boolean;
}

/** What carries an operation to the server that keeps dicts and queues. */
export interface CollectionRequest {
  /** Names the operation, however often it is sent. */
  op: string;
  operation: CollectionOperation;
}

/**
 * The bytes of a partition's key.
 *
 * @throws InvalidError if it is empty, or longer than 64 bytes in UTF-8.
 */
export function partitionKeyBytes(partition: string): Uint8Array {
  const bytes = typeof partition === 'string' ? new TextEncoder().encode(partition) : new Uint8Array();
  if (bytes.length > 0 && bytes.length <= COLLECTION_LIMITS.partitionKeyBytes) return bytes;
  throw new InvalidError(`${JSON.stringify(partition) ?? String(partition)} is no key of a partition`, {
    hint: 'Use text of 1 to 64 bytes in UTF-8, or leave it out for the default partition.',
  });
}

/** Operations, and answers to them, carry payloads in one of these. */
interface Carrier {
  value?: Payload | undefined;
  values?: Payload[] | undefined;
  entries?: { value?: Payload | undefined }[] | undefined;
}

function carrierOf(subject: unknown): Carrier {
  const { value, values, entries } = (subject ?? {}) as Carrier;
  return {
    value,
    values: Array.isArray(values) ? values : undefined,
    entries: Array.isArray(entries) ? entries : undefined,
  };
}

/** Whether a payload is in the blob store. */
export function isBlob(payload: Payload): payload is Exclude<Payload, Uint8Array> {
  return typeof payload === 'object' && 'blob' in payload;
}

/** Whether an operation, or the answer to one, carries a payload that `isMeant` accepts. */
export function carriesPayload(subject: unknown, isMeant: (payload: Payload) => boolean): boolean {
  const { value, values, entries } = carrierOf(subject);
  if (value != null) return isMeant(value);
  if (values) return values.some(isMeant);
  return entries?.some((entry) => entry.value !== undefined && isMeant(entry.value)) ?? false;
}

/** An operation, or the answer to one, with each payload that it carries replaced. */
export async function replacePayloads<T>(
  subject: T,
  replace: (payload: Payload) => Payload | Promise<Payload>,
): Promise<T> {
  const { value, values, entries } = carrierOf(subject);
  if (value !== undefined) return { ...subject, value: await replace(value) };
  const replaced: Payload[] = [];
  for (const item of values ?? []) replaced.push(await replace(item));
  if (values) return { ...subject, values: replaced };
  if (!entries) return subject;
  const copies: { value?: Payload | undefined }[] = [];
  for (const entry of entries) {
    copies.push(entry.value === undefined ? entry : { ...entry, value: await replace(entry.value) });
  }
  return { ...subject, entries: copies };
}

const SALT_BYTES = 16;

/**
 * The content of the blob of a large value: random bytes make it the blob of this entry alone, so that it can go with the
 * entry, whoever else has the same value.
 */
export function saltedValue(bytes: Uint8Array): Uint8Array {
  const salted = new Uint8Array(SALT_BYTES + bytes.length);
  crypto.getRandomValues(salted.subarray(0, SALT_BYTES));
  salted.set(bytes, SALT_BYTES);
  return salted;
}

/** The value in what {@link saltedValue} made. */
export function unsaltedValue(salted: Uint8Array): Uint8Array {
  return salted.subarray(SALT_BYTES);
}

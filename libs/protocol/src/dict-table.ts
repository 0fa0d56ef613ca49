// Entries of a dict in a file in memory, which containers of the server's machine read themselves: a question to the server
// costs two processes that have to be woken, which takes ten times as long as looking.
//
// Invariants
//   D1. What is in a table is on disk. A write is answered only when the table has it, so whoever reads the table sees what
//       was answered before.
//   D2. A table is valid until a time that its server moves on while it leads. Readers look at it after they have read.
//   D3. What is not in a table may still be in the dict.
//
// The file begins with that time; a file cut to nothing is closed. Then come buckets, chosen by the hash of a key, of entries
// one after the other, the last written first, up to one whose key has no bytes. Entries carry sums, as a bucket may be read
// while it is written. All numbers are little-endian.

export const DICT_TABLE = {
  /** A page, so that buckets are pages. */
  headerBytes: 4096,
  bucketBytes: 4096,
  buckets: 512,
  /** How long a table is valid after its server has last said so. */
  validMs: 750,
  /** A table that nobody has asked for in this time is closed. Who reads one asks in time. */
  keptMs: 90_000,
} as const;

const ENTRY_HEADER_BYTES = 16;
const MOST_KEY_BYTES = 1024;
const HASH_BASIS = 0x811c9dc5;
const HASH_PRIME = 0x01000193;

/** An entry as a table has it. */
export interface TableEntry {
  /** Canonical text of the key (`canonicalKey`). */
  key: string;
  value: Uint8Array;
  /** From then on the server wants to know that it is read, so that it does not expire. In seconds since 1970. */
  readUntilS: number;
}

/** A clock that all processes of a machine have in common, and that nobody sets, in milliseconds. */
export function machineTimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/** Where in the file the bucket of a key begins. */
export function bucketPosition(key: string): number {
  return DICT_TABLE.headerBytes + (hashOf(key) % DICT_TABLE.buckets) * DICT_TABLE.bucketBytes;
}

/** The header of a table that is valid until `untilMs` of {@link machineTimeMs}. */
export function tableHeader(untilMs: number): Uint8Array {
  const header = new Uint8Array(8);
  viewOf(header).setFloat64(0, untilMs, true);
  return header;
}

/** What {@link tableHeader} made; not valid any more if there is nothing. */
export function validUntilMs(header: Uint8Array): number {
  return header.length < 8 ? 0 : viewOf(header).getFloat64(0, true);
}

/** Reads into all of `into` from a position of a file on; returns how many bytes there were. */
export type ReadAt = (into: Uint8Array, position: number) => number;

/** Looks for entries in a table, as a container does. */
export class TableReader {
  readonly #readAt: ReadAt;
  readonly #bucket = new Uint8Array(DICT_TABLE.bucketBytes);
  readonly #header = new Uint8Array(8);

  constructor(readAt: ReadAt) {
    this.#readAt = readAt;
  }

  /** The entry of a key; undefined if it is not there; or that nothing in the table holds, for now or for ever. */
  find(key: string): Omit<TableEntry, 'key'> | undefined | 'not valid' | 'closed' {
    const bucketBytes = this.#readAt(this.#bucket, bucketPosition(key));
    const entry = findInBucket(this.#bucket.subarray(0, bucketBytes), key);
    // After the bucket: what was read was true then.
    if (this.#readAt(this.#header, 0) === 0) return 'closed';
    return validUntilMs(this.#header) < machineTimeMs() ? 'not valid' : entry;
  }
}

/** The entry of a key in its bucket, with a value of its own; undefined if it is not there as a whole. */
export function findInBucket(bucket: Uint8Array, key: string): Omit<TableEntry, 'key'> | undefined {
  const view = viewOf(bucket);
  const keyBytes = new TextEncoder().encode(key);
  const hash = hashOf(key);
  for (let at = 0; at + ENTRY_HEADER_BYTES <= bucket.length;) {
    const keyLength = view.getUint16(at + 12, true);
    const next = at + ENTRY_HEADER_BYTES + keyLength + view.getUint16(at + 14, true);
    if (keyLength === 0 || next > bucket.length) return undefined;
    if (view.getUint32(at, true) === hash && hasKey(bucket, at, keyBytes)) {
      if (view.getUint32(at + 4, true) !== sumOf(bucket, at + 8, next)) return undefined;
      const value = bucket.slice(at + ENTRY_HEADER_BYTES + keyLength, next);
      return { value, readUntilS: view.getUint32(at + 8, true) };
    }
    at = next;
  }
  return undefined;
}

/** A bucket with this entry in front; those that were there first go where there is no room. An entry may be too large. */
export function withEntry(bucket: Uint8Array, { key, value, readUntilS }: TableEntry): Uint8Array {
  const others = withoutEntry(bucket, key);
  const keyBytes = new TextEncoder().encode(key);
  const end = ENTRY_HEADER_BYTES + keyBytes.length + value.length;
  if (keyBytes.length > MOST_KEY_BYTES || end > bucket.length) return others;
  const changed = new Uint8Array(bucket.length);
  const view = viewOf(changed);
  view.setUint32(0, hashOf(key), true);
  view.setUint32(8, readUntilS, true);
  view.setUint16(12, keyBytes.length, true);
  view.setUint16(14, value.length, true);
  changed.set(keyBytes, ENTRY_HEADER_BYTES);
  changed.set(value, ENTRY_HEADER_BYTES + keyBytes.length);
  view.setUint32(4, sumOf(changed, 8, end), true);
  for (const { from, to } of entriesIn(others)) {
    if (end + to > bucket.length) break;
    changed.set(others.subarray(from, to), end + from);
  }
  return changed;
}

export function withoutEntry(bucket: Uint8Array, key: string): Uint8Array {
  const keyBytes = new TextEncoder().encode(key);
  const changed = new Uint8Array(bucket.length);
  let end = 0;
  for (const { from, to } of entriesIn(bucket)) {
    if (hasKey(bucket, from, keyBytes)) continue;
    changed.set(bucket.subarray(from, to), end);
    end += to - from;
  }
  return changed;
}

function* entriesIn(bucket: Uint8Array): Generator<{ from: number; to: number }> {
  const view = viewOf(bucket);
  for (let from = 0; from + ENTRY_HEADER_BYTES <= bucket.length;) {
    const keyLength = view.getUint16(from + 12, true);
    const to = from + ENTRY_HEADER_BYTES + keyLength + view.getUint16(from + 14, true);
    if (keyLength === 0 || to > bucket.length) return;
    yield { from, to };
    from = to;
  }
}

function hasKey(bucket: Uint8Array, at: number, keyBytes: Uint8Array): boolean {
  if (viewOf(bucket).getUint16(at + 12, true) !== keyBytes.length) return false;
  return keyBytes.every((byte, index) => bucket[at + ENTRY_HEADER_BYTES + index] === byte);
}

/** FNV-1a, of what a text is made of. */
function hashOf(key: string): number {
  let hash = HASH_BASIS;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), HASH_PRIME);
  }
  return hash >>> 0;
}

function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = HASH_BASIS;
  for (let index = from; index < to; index++) sum = Math.imul(sum ^ (bytes[index] as number), HASH_PRIME);
  return sum >>> 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

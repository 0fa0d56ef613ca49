// Answers to the kernel: see request.ts.

/** What an answer can say is wrong, with the numbers of Linux. */
export const ERRNO = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EINVAL: 22,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  EPROTO: 71,
} as const;

export type Errno = keyof typeof ERRNO;

/** Attributes of a file, directory or link. */
export interface Attributes {
  /** Its number. */
  node: number;
  /** With the bits of its kind. */
  mode: number;
  sizeBytes: number;
  mtimeMs: number;
  /** User and group. */
  ownerId: number;
}

/** What a directory has under a name. `next` is where a listing goes on behind it. */
export interface DirectoryEntry {
  name: Uint8Array;
  next: number;
  attributes: Attributes;
}

const HEADER_BYTES = 16;
const ATTRIBUTES_BYTES = 88;
const ENTRY_BYTES = 40 + ATTRIBUTES_BYTES;
const LISTED_BYTES = 24;
const BLOCK_BYTES = 512;
/**
 * What programs read at a time, as `stat` tells them. Many allocate as much for each file they open: a MiB would be memory
 * fresh from the kernel each time, filled with zeros first.
 */
const PREFERRED_BYTES = 64 * 1024;
/** A state of a volume never changes: what the kernel knows of it stays true. */
const VALID_SECONDS = 365 * 24 * 3600;

/** Puts the head before an answer. */
export function reply(unique: number, parts: readonly Uint8Array[] = []): Uint8Array[] {
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, HEADER_BYTES);
  return [header(unique, sizeBytes, 0), ...parts];
}

export function errorReply(unique: number, errno: Errno): Uint8Array[] {
  return [header(unique, HEADER_BYTES, -ERRNO[errno])];
}

function header(unique: number, sizeBytes: number, error: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes.writeUInt32LE(sizeBytes, 0);
  bytes.writeInt32LE(error, 4);
  writeNumber(bytes, unique, 8);
  return bytes;
}

/** Version 7.31, of 2019: all that is needed, and known to every kernel in use. */
export const PROTOCOL = { major: 7, minor: 31 } as const;

/** Asynchronous reads, parallel look-ups, listings with attributes where they help, pages, links kept by the kernel. */
const FLAGS = (1 << 0) | (1 << 13) | (1 << 14) | (1 << 18) | (1 << 22) | (1 << 23);

export interface InitLimits {
  maxReadBytes: number;
  maxReadahead: number;
  maxBackground: number;
  maxWriteBytes: number;
}

/** What is agreed on: of the flags, those that the kernel has. */
export function initBody(kernel: { flags: number; maxReadahead: number }, limits: InitLimits): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(PROTOCOL.major, 0);
  bytes.writeUInt32LE(PROTOCOL.minor, 4);
  bytes.writeUInt32LE(Math.max(kernel.maxReadahead, limits.maxReadahead), 8);
  bytes.writeUInt32LE((FLAGS & kernel.flags) >>> 0, 12);
  bytes.writeUInt16LE(limits.maxBackground, 16);
  bytes.writeUInt16LE(Math.ceil(limits.maxBackground * 0.75), 18);
  bytes.writeUInt32LE(limits.maxWriteBytes, 20);
  // Times have milliseconds.
  bytes.writeUInt32LE(1_000_000, 24);
  bytes.writeUInt16LE(limits.maxReadBytes / 4096, 28);
  return bytes;
}

export function attributesBody(attributes: Attributes): Buffer {
  const bytes = Buffer.alloc(16 + ATTRIBUTES_BYTES);
  writeNumber(bytes, VALID_SECONDS, 0);
  writeAttributes(bytes, attributes, 16);
  return bytes;
}

export function entryBody(attributes: Attributes): Buffer {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  writeEntry(bytes, attributes, 0);
  return bytes;
}

/** That there is no such name, in a way that the kernel remembers. */
export function noEntryBody(): Buffer {
  const bytes = Buffer.alloc(ENTRY_BYTES);
  writeNumber(bytes, VALID_SECONDS, 16);
  return bytes;
}

export function statisticsBody({ files, sizeBytes }: { files: number; sizeBytes: number }): Buffer {
  const bytes = Buffer.alloc(80);
  writeNumber(bytes, Math.ceil(sizeBytes / 4096), 0);
  writeNumber(bytes, files, 24);
  bytes.writeUInt32LE(4096, 40);
  bytes.writeUInt32LE(255, 44);
  bytes.writeUInt32LE(4096, 48);
  return bytes;
}

/** The kernel offers room for a megabyte, which most directories do not need, and few at once. */
const LISTING_BYTES = 32 * 1024;

/** Part of a listing, filled as long as there is room. */
export class Listing {
  readonly #sizeBytes: number;
  #bytes = Buffer.alloc(0);
  readonly #withAttributes: boolean;
  #used = 0;

  constructor({ sizeBytes, withAttributes }: { sizeBytes: number; withAttributes: boolean }) {
    this.#sizeBytes = Math.min(sizeBytes, LISTING_BYTES);
    this.#withAttributes = withAttributes;
  }

  /** False if there is no room for it. */
  add({ name, next, attributes }: DirectoryEntry): boolean {
    const entryBytes = this.#withAttributes ? ENTRY_BYTES : 0;
    const needed = entryBytes + aligned(LISTED_BYTES + name.length);
    if (this.#used + needed > this.#sizeBytes) return false;
    if (this.#used === 0) this.#bytes = Buffer.alloc(this.#sizeBytes);
    // Itself and the one above are known to the kernel, which counts no use of them here.
    if (this.#withAttributes && !isDots(name)) writeEntry(this.#bytes, attributes, this.#used);
    const at = this.#used + entryBytes;
    writeNumber(this.#bytes, attributes.node, at);
    writeNumber(this.#bytes, next, at + 8);
    this.#bytes.writeUInt32LE(name.length, at + 16);
    this.#bytes.writeUInt32LE(attributes.mode >>> 12, at + 20);
    this.#bytes.set(name, at + LISTED_BYTES);
    this.#used += needed;
    return true;
  }

  get body(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }
}

function isDots(name: Uint8Array): boolean {
  return name.length <= 2 && name.every((byte) => byte === 0x2e);
}

function writeEntry(bytes: Buffer, attributes: Attributes, at: number): void {
  writeNumber(bytes, attributes.node, at);
  writeNumber(bytes, VALID_SECONDS, at + 16);
  writeNumber(bytes, VALID_SECONDS, at + 24);
  writeAttributes(bytes, attributes, at + 40);
}

function writeAttributes(bytes: Buffer, attributes: Attributes, at: number): void {
  const { node, mode, sizeBytes, mtimeMs, ownerId } = attributes;
  writeNumber(bytes, node, at);
  writeNumber(bytes, sizeBytes, at + 8);
  writeNumber(bytes, Math.ceil(sizeBytes / BLOCK_BYTES), at + 16);
  const seconds = Math.floor(mtimeMs / 1000);
  const nanoseconds = Math.floor(mtimeMs - seconds * 1000) * 1_000_000;
  for (const offset of [24, 32, 40]) bytes.writeBigInt64LE(BigInt(seconds), at + offset);
  for (const offset of [48, 52, 56]) bytes.writeUInt32LE(nanoseconds, at + offset);
  bytes.writeUInt32LE(mode, at + 60);
  bytes.writeUInt32LE(1, at + 64);
  bytes.writeUInt32LE(ownerId, at + 68);
  bytes.writeUInt32LE(ownerId, at + 72);
  bytes.writeUInt32LE(PREFERRED_BYTES, at + 80);
}

function aligned(length: number): number {
  return (length + 7) & ~7;
}

function writeNumber(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}

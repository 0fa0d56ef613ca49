import type { FileHandle } from 'node:fs/promises';

/** What can be stored: bytes in memory, or a stream of chunks of any size. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>;

/** A part of an open file. */
export interface FilePart {
  /** Open until whoever got the part is done with it. */
  file: FileHandle;
  /** In bytes, as the length. */
  start: number;
  length: number;
}

/** What {@link BlobStore.putBytes} reports. */
export interface StoredBlob {
  /** `sha256-<64 hex digits>`. */
  digest: string;
  sizeBytes: number;
}

/** What {@link BlobStore.putValue} reports. */
export interface StoredValue {
  /** `d<day>-sha256-<64 hex digits>`. */
  name: string;
  sizeBytes: number;
}

/**
 * Immutable byte sequences, each found by a name that holds the SHA-256 of its content: `sha256-<64 hex digits>`.
 *
 * Values, which are arguments and results of calls, also have the day of their storing in their names
 * (`valueName`), so that they can be removed after their time: whoever stores the same bytes on a later day
 * makes another blob, which no removal of the older one can touch.
 *
 * Every method may be called concurrently, from any number of processes that share the store. Every method
 * rejects with `InvalidError` when the name is malformed, with `ResourceExhaustedError` when the store is
 * full, and with `InternalFailure` when it cannot be reached or read.
 */
export interface BlobStore {
  /**
   * Stores a blob; when this resolves it is durable. A blob becomes visible whole or not at all. Storing one that
   * is there already is harmless, and repairs it if it was damaged.
   *
   * @throws InvalidError when the content does not match the digest; nothing is stored then.
   */
  put(name: string, source: BlobSource): Promise<void>;

  /** Stores bytes under the digest computed from them. */
  putBytes(bytes: Uint8Array): Promise<StoredBlob>;

  /**
   * Stores what is in a part of a file, up to its end if that comes first, under the digest computed from it. Of large
   * parts only some are in memory, however many are asked for at once.
   */
  putPart(part: FilePart): Promise<StoredBlob>;

  /** Stores bytes as a value of today. */
  putValue(bytes: Uint8Array): Promise<StoredValue>;

  /**
   * Streams a blob. Content is verified while it is read, so the last step of the iteration, not this call, throws
   * `ExecutionError` when the stored bytes are damaged: do not act on the content before the iteration ends.
   *
   * @throws NotFoundError when the store has no such blob.
   */
  get(name: string): Promise<AsyncIterable<Uint8Array>>;

  /**
   * Reads a blob whole, verified.
   *
   * @param into Where its bytes may be put if it is no longer than that. Stores may ignore it.
   * @returns The bytes, wherever they are.
   * @throws NotFoundError when the store has no such blob.
   * @throws ExecutionError when the stored bytes are damaged.
   */
  getBytes(name: string, into?: Uint8Array): Promise<Uint8Array>;

  /** Whether the store has the blob; does not read its content. */
  has(name: string): Promise<boolean>;

  /** How long a blob is; undefined if it is not there. Does not read its content. */
  sizeBytes(name: string): Promise<number | undefined>;

  /** When a blob was stored, or refreshed, last, by the clock of the store; undefined if it is not there. */
  storedAtMs(name: string): Promise<number | undefined>;

  /** Makes a blob one that is stored now. False if there is none, or its bytes are damaged. */
  refresh(name: string): Promise<boolean>;

  /** All blobs but values. */
  list(): AsyncIterable<{ digest: string; storedAtMs: number }>;

  /** Removes a blob. Removing one that is not there is harmless. */
  delete(name: string): Promise<void>;

  /** The days, counted from 1970 (UTC), of which there are values. */
  days(): Promise<number[]>;

  /** The names of all values of a day. */
  valuesOf(day: number): AsyncIterable<string>;
}

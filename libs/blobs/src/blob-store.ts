/** What can be stored: bytes in memory, or a stream of chunks of any size. */
export type BlobSource = Uint8Array | AsyncIterable<Uint8Array>;

/** What {@link BlobStore.putBytes} reports. */
export interface StoredBlob {
  /** `sha256-<64 hex digits>`. */
  digest: string;
  sizeBytes: number;
}

/**
 * Immutable byte sequences, each found by the SHA-256 of its content, written `sha256-<64 hex digits>`.
 *
 * Every method may be called concurrently, from any number of processes that share the store. Every method
 * rejects with `InvalidError` when the digest is malformed, with `ResourceExhaustedError` when the store is
 * full, and with `InternalFailure` when it cannot be reached or read.
 */
export interface BlobStore {
  /**
   * Stores a blob; when this resolves it is durable. A blob becomes visible whole or not at all. Storing one that
   * is there already is harmless, and repairs it if it was damaged.
   *
   * @throws InvalidError when the content does not match the digest; nothing is stored then.
   */
  put(digest: string, source: BlobSource): Promise<void>;

  /** Stores bytes under the digest computed from them. */
  putBytes(bytes: Uint8Array): Promise<StoredBlob>;

  /**
   * Streams a blob. Content is verified while it is read, so the last step of the iteration, not this call, throws
   * `ExecutionError` when the stored bytes are damaged: do not act on the content before the iteration ends.
   *
   * @throws NotFoundError when the store has no such blob.
   */
  get(digest: string): Promise<AsyncIterable<Uint8Array>>;

  /**
   * Reads a blob whole, verified.
   *
   * @throws NotFoundError when the store has no such blob.
   * @throws ExecutionError when the stored bytes are damaged.
   */
  getBytes(digest: string): Promise<Uint8Array>;

  /** Whether the store has the blob; does not read its content. */
  has(digest: string): Promise<boolean>;

  /** Removes a blob. Removing one that is not there is harmless. */
  delete(digest: string): Promise<void>;
}

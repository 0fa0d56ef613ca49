import type { HeldBlock } from './block-memory.ts';

/** Where blocks come from: the pieces of files, and the pages of trees. */
export interface BlockSource {
  /**
   * Reads a block whole.
   *
   * @param into Where its bytes may be put, if it is no longer than that; a source may also ignore it.
   * @throws NotFoundError if there is none, ExecutionError if its bytes do not have this digest; a retryable error while
   * the store cannot be reached.
   */
  getBytes(digest: string, into?: Uint8Array): Promise<Uint8Array>;
}

/** Reads blocks for a file system. */
export interface BlockReader {
  /**
   * Resolves to the block, held for the caller, who releases it.
   *
   * @param sizeBytes About how large it is, as far as that is known.
   * @throws NotFoundError, ExecutionError, or what kept the store from being reached.
   */
  read(digest: string, sizeBytes?: number): Promise<HeldBlock>;
}

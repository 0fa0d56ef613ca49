import type { BlockInventory } from './block-inventory.ts';

/** Where pages of trees and pieces of files are: a content-addressed store. */
export interface VolumeBlobs extends Pick<BlockInventory, 'storedAtMs' | 'refresh'> {
  /** @throws NotFoundError if there is no such blob. */
  getBytes(digest: string): Promise<Uint8Array>;
  putBytes(bytes: Uint8Array): Promise<{ digest: string }>;
  /** Undefined if there is no such blob. */
  sizeBytes(digest: string): Promise<number | undefined>;
}

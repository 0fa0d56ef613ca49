import type { PageStore } from './tree-pages.ts';
import type { VolumeBlobs } from './volume-blobs.ts';

/** Pages of trees in the store that has the pieces of files, too. */
export function blobPages(blobs: Pick<VolumeBlobs, 'getBytes' | 'putBytes'>): PageStore {
  return {
    read: (digest) => blobs.getBytes(digest),
    write: async (bytes) => (await blobs.putBytes(bytes)).digest,
  };
}

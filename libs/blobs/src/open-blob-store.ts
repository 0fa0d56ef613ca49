import type { BlobStore } from './blob-store.ts';
import type { BlobStoreConfig } from './config.ts';
import { DiskBlobStore } from './disk-blob-store.ts';

/**
 * Opens the configured blob store, making its directory or bucket when it is missing.
 *
 * @throws InvalidError when the S3 endpoint is no URL.
 * @throws AuthError when the S3 store refuses the credentials.
 * @throws InternalFailure when the store cannot be reached.
 */
export async function openBlobStore(config: BlobStoreConfig): Promise<BlobStore> {
  if (config.type === 'disk') return DiskBlobStore.open(config.path);
  // The S3 client is large; a platform with local blobs never loads it.
  const { S3BlobStore } = await import('./s3-blob-store.ts');
  return S3BlobStore.open(config);
}

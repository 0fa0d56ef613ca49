export { assertBucketAccess, type BucketAccess } from './bucket-access.ts';
export { type BucketIdentity, bucketOfMount, type UsableBucket } from './bucket-of-mount.ts';
export type { BlobSource, BlobStore, FilePart, StoredBlob, StoredValue } from './blob-store.ts';
export type { BlobStoreConfig, DiskBlobStoreConfig, S3BlobStoreConfig } from './config.ts';
export { volumeStoreConfig } from './config.ts';
export { digestOf } from './digest.ts';
export { openBlobStore } from './open-blob-store.ts';

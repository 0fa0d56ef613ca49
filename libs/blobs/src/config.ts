/** Blobs in a directory of this machine. */
export interface DiskBlobStoreConfig {
  type: 'disk';
  /** Directory; made when missing. */
  path: string;
}

/** Blobs in a bucket of MinIO or any other S3 store. */
export interface S3BlobStoreConfig {
  type: 's3';
  /** For example `http://minio.example.com:9000`. */
  endpoint: string;
  accessKey: string;
  secretKey: string;
  /** Made when missing. */
  bucket: string;
  /** @defaultValue 'us-east-1' */
  region?: string;
}

/** Which blob store to open. */
export type BlobStoreConfig = DiskBlobStoreConfig | S3BlobStoreConfig;

/** Where the files of volumes are: beside the other blobs, and apart from them. */
export function volumeStoreConfig(config: BlobStoreConfig): BlobStoreConfig {
  return config.type === 'disk'
    ? { ...config, path: `${config.path}/volumes` }
    : { ...config, bucket: `${config.bucket}-volumes` };
}

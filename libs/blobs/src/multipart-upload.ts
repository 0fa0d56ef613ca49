import type { Client } from 'minio';

/** Where a {@link MultipartUpload} goes. */
export interface MultipartUploadOptions {
  client: Client;
  bucket: string;
  key: string;
  /** Runs one request, repeating it when the failure is a passing one. */
  attempting: <T>(action: () => Promise<T>) => Promise<T>;
}

/** One object sent in parts; it comes into being at {@link MultipartUpload.complete}, never before. */
export class MultipartUpload {
  readonly #options: MultipartUploadOptions;
  readonly #etags: string[] = [];
  #uploadId: string | undefined;

  constructor(options: MultipartUploadOptions) {
    this.#options = options;
  }

  get partCount(): number {
    return this.#etags.length;
  }

  /** Sends the next part; all but the last must have at least 5 MiB. */
  async addPart(bytes: Buffer): Promise<void> {
    const { client, bucket, key, attempting } = this.#options;
    this.#uploadId ??= await attempting(() => client.initiateNewMultipartUpload(bucket, key, {}));
    const part = {
      bucketName: bucket,
      objectName: key,
      uploadID: this.#uploadId,
      partNumber: this.partCount + 1,
      headers: {},
    };
    const { etag } = await attempting(() => client.uploadPart(part, bytes));
    this.#etags.push(etag);
  }

  /** Makes the object out of the parts. */
  async complete(): Promise<void> {
    const { client, bucket, key, attempting } = this.#options;
    const uploadId = this.#uploadId;
    if (uploadId === undefined) throw new Error('an upload without parts cannot be completed');
    const parts = this.#etags.map((etag, index) => ({ part: index + 1, etag }));
    await attempting(() => client.completeMultipartUpload(bucket, key, uploadId, parts));
  }

  /** Gives the parts up. A failure to do so is left to the store's own clean-up of unfinished uploads. */
  async abort(): Promise<void> {
    const { client, bucket, key } = this.#options;
    if (this.#uploadId === undefined) return;
    await client.abortMultipartUpload(bucket, key, this.#uploadId).catch(() => undefined);
  }
}

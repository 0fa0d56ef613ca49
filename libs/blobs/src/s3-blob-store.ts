import { Client } from 'minio';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidError } from '@gantry/protocol';
import { asBlobError, blobNotFound, isMissing, vendorCode } from './blob-errors.ts';
import type { BlobSource, BlobStore, StoredBlob } from './blob-store.ts';
import type { S3BlobStoreConfig } from './config.ts';
import { ContentHash, digestOf, requireDigest, verified, verifyRead, verifyWritten } from './digest.ts';
import { MultipartUpload } from './multipart-upload.ts';

const RETRY_DELAYS_MS = [100, 400, 1600];
const TRANSIENT = /ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|socket hang up|Retryable HTTP status/;
const PART_BYTES = 8 * 1024 * 1024;
// S3 allows 10,000 parts: growing them after the first thousand lets one blob reach half a terabyte.
const LARGE_PART_BYTES = 64 * 1024 * 1024;
const PARTS_BEFORE_LARGE = 1000;

// One blob is one object, <bucket>/<2 hex>/<2 hex>/<digest>.
//
// Invariants
//   O1. An object exists under its key only with verified content: small blobs are hashed before their one PUT, large
//       ones are uploaded in parts that become an object only after the last part was hashed.
//   O2. Every `put` has an upload of its own, so concurrent ones of the same digest cannot disturb each other.
//   O3. Nothing but GET, PUT, HEAD, DELETE and multipart uploads is used, so any S3 store will do.

/** A {@link BlobStore} in a bucket of MinIO or any other S3 store. */
export class S3BlobStore implements BlobStore {
  readonly #client: Client;
  readonly #bucket: string;
  readonly #where: string;

  private constructor(config: S3BlobStoreConfig) {
    this.#client = connect(config);
    this.#bucket = config.bucket;
    this.#where = `${config.endpoint}/${config.bucket}`;
  }

  /** Opens the store, making the bucket when it is missing. */
  static async open(config: S3BlobStoreConfig): Promise<S3BlobStore> {
    const store = new S3BlobStore(config);
    await store.#attempting(() => store.#ensureBucket(config.region ?? ''));
    return store;
  }

  async put(digest: string, source: BlobSource): Promise<void> {
    requireDigest(digest);
    const hash = new ContentHash();
    const upload = new MultipartUpload({
      client: this.#client,
      bucket: this.#bucket,
      key: keyOf(digest),
      attempting: (action) => this.#attempting(action),
    });
    let buffered = new PartBuffer();
    try {
      for await (const chunk of source instanceof Uint8Array ? [source] : source) {
        hash.update(chunk);
        buffered.push(chunk);
        if (buffered.sizeBytes < partBytes(upload.partCount)) continue;
        await upload.addPart(buffered.join());
        buffered = new PartBuffer();
      }
      verifyWritten(digest, hash.digest());
      await this.#finish(upload, buffered, digest);
    } catch (error) {
      await upload.abort();
      throw asBlobError(error, this.#where);
    }
  }

  async putBytes(bytes: Uint8Array): Promise<StoredBlob> {
    const digest = digestOf(bytes);
    await this.#putObject(digest, asBuffer(bytes));
    return { digest, sizeBytes: bytes.byteLength };
  }

  async get(digest: string): Promise<AsyncIterable<Uint8Array>> {
    if (!(await this.has(digest))) throw blobNotFound(digest);
    return verified(digest, this.#read(digest));
  }

  async getBytes(digest: string): Promise<Uint8Array> {
    requireDigest(digest);
    const bytes = await this.#attempting(async () => {
      const parts = new PartBuffer();
      for await (const chunk of this.#read(digest)) parts.push(chunk);
      return parts.join();
    });
    verifyRead(digest, digestOf(bytes));
    return bytes;
  }

  async has(digest: string): Promise<boolean> {
    requireDigest(digest);
    return this.#attempting(async () => {
      try {
        await this.#client.statObject(this.#bucket, keyOf(digest));
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    });
  }

  async delete(digest: string): Promise<void> {
    requireDigest(digest);
    await this.#attempting(() => this.#client.removeObject(this.#bucket, keyOf(digest)));
  }

  async #finish(upload: MultipartUpload, rest: PartBuffer, digest: string): Promise<void> {
    if (upload.partCount === 0) return this.#putObject(digest, rest.join());
    if (rest.sizeBytes > 0) await upload.addPart(rest.join());
    await upload.complete();
  }

  async #putObject(digest: string, bytes: Buffer): Promise<void> {
    await this.#attempting(() =>
      this.#client.putObject(this.#bucket, keyOf(digest), bytes, bytes.byteLength),
    );
  }

  // Requests the object only when iterated, so that an iterable nobody reads holds no connection open.
  async *#read(digest: string): AsyncGenerator<Uint8Array> {
    try {
      yield* await this.#client.getObject(this.#bucket, keyOf(digest));
    } catch (error) {
      throw isMissing(error) ? blobNotFound(digest) : asBlobError(error, this.#where);
    }
  }

  async #ensureBucket(region: string): Promise<void> {
    if (await this.#client.bucketExists(this.#bucket)) return;
    try {
      await this.#client.makeBucket(this.#bucket, region);
    } catch (error) {
      // Another process may have made it in between.
      if (vendorCode(error) !== 'BucketAlreadyOwnedByYou') throw error;
    }
  }

  // Every request here can be repeated: objects are immutable and parts are numbered.
  async #attempting<T>(action: () => Promise<T>): Promise<T> {
    for (const delayMs of RETRY_DELAYS_MS) {
      try {
        return await action();
      } catch (error) {
        if (!isTransient(error)) throw asBlobError(error, this.#where);
        await delay(delayMs);
      }
    }
    try {
      return await action();
    } catch (error) {
      throw asBlobError(error, this.#where);
    }
  }
}

/** Chunks waiting to be sent as one part. */
class PartBuffer {
  sizeBytes = 0;
  readonly #chunks: Uint8Array[] = [];

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.sizeBytes += chunk.byteLength;
  }

  join(): Buffer {
    const [first, ...others] = this.#chunks;
    return first !== undefined && others.length === 0 ? asBuffer(first) : Buffer.concat(this.#chunks);
  }
}

function partBytes(partCount: number): number {
  return partCount < PARTS_BEFORE_LARGE ? PART_BYTES : LARGE_PART_BYTES;
}

function connect(config: S3BlobStoreConfig): Client {
  const url = URL.parse(config.endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new InvalidError(`"${config.endpoint}" is not the URL of an S3 store`, {
      hint: 'Write it like "http://minio.example.com:9000".',
    });
  }
  const useSSL = url.protocol === 'https:';
  return new Client({
    endPoint: url.hostname,
    port: url.port === '' ? (useSSL ? 443 : 80) : Number(url.port),
    useSSL,
    accessKey: config.accessKey,
    secretKey: config.secretKey,
    region: config.region ?? 'us-east-1',
    // The client's own retries print to the console and give up after one.
    retryOptions: { disableRetry: true },
  });
}

function isTransient(error: unknown): boolean {
  const { message, cause } = error instanceof Error ? error : {};
  return TRANSIENT.test(`${vendorCode(error)} ${message} ${vendorCode(cause)}`);
}

function keyOf(digest: string): string {
  const hex = digest.slice('sha256-'.length);
  return `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${digest}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

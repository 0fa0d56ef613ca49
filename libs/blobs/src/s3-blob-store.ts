import { type BucketItem, Client } from 'minio';
import { setTimeout as delay } from 'node:timers/promises';
import { ExecutionError, NotFoundError, valueName } from '@gantry/protocol';
import { AtOnce } from './at-once.ts';
import { asBlobError, blobNotFound, isMissing, vendorCode } from './blob-errors.ts';
import type { BlobSource, BlobStore, FilePart, StoredBlob, StoredValue } from './blob-store.ts';
import type { S3BlobStoreConfig } from './config.ts';
import {
  ContentHash,
  digestOf,
  pathOf,
  requireName,
  VALUES,
  verified,
  verifyRead,
  verifyWritten,
} from './digest.ts';
import { readPart } from './file-part.ts';
import { MultipartUpload } from './multipart-upload.ts';
import { addressOf } from './s3-address.ts';

const RETRY_DELAYS_MS = [100, 400, 1600, 3200];
const TRANSIENT = /ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|socket hang up|Retryable HTTP status/;
const PART_BYTES = 8 * 1024 * 1024;
// S3 allows 10,000 parts: growing them after the first thousand lets one blob reach half a terabyte.
const LARGE_PART_BYTES = 64 * 1024 * 1024;
const PARTS_BEFORE_LARGE = 1000;
/** Each is in memory until it is stored. */
const FILE_PARTS_AT_ONCE = 16;

// One blob is one object, <bucket>/<2 hex>/<2 hex>/<digest>, or for values <bucket>/values/<day>/<2 hex>/<digest>.
//
// Invariants
//   O1. An object exists under its key only with verified content: small blobs are hashed before their one PUT, large
//       ones are uploaded in parts that become an object only after the last part was hashed.
//   O2. Every `put` has an upload of its own, so concurrent ones of the same digest cannot disturb each other.
//   O3. Nothing but GET, PUT, HEAD, DELETE, listing by prefix and multipart uploads is used, so any S3 store will do.

/** A {@link BlobStore} in a bucket of MinIO or any other S3 store. */
export class S3BlobStore implements BlobStore {
  readonly #client: Client;
  readonly #bucket: string;
  readonly #where: string;
  readonly #parts = new AtOnce(FILE_PARTS_AT_ONCE);

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

  async put(name: string, source: BlobSource): Promise<void> {
    const { digest } = requireName(name);
    const hash = new ContentHash();
    const upload = new MultipartUpload({
      client: this.#client,
      bucket: this.#bucket,
      key: pathOf(name),
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
      await this.#finish(upload, buffered, name);
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

  putPart(part: FilePart): Promise<StoredBlob> {
    return this.#parts.run(async () => this.putBytes(await readPart(part)));
  }

  async putValue(bytes: Uint8Array): Promise<StoredValue> {
    const name = valueName(digestOf(bytes), Date.now());
    await this.#putObject(name, asBuffer(bytes));
    return { name, sizeBytes: bytes.byteLength };
  }

  async get(name: string): Promise<AsyncIterable<Uint8Array>> {
    if (!(await this.has(name))) throw blobNotFound(name);
    return verified(requireName(name).digest, this.#read(name));
  }

  async getBytes(name: string, into = new Uint8Array()): Promise<Uint8Array> {
    const { digest } = requireName(name);
    const bytes = await this.#attempting(() => collect(this.#read(name), into));
    verifyRead(digest, digestOf(bytes));
    return bytes;
  }

  async has(name: string): Promise<boolean> {
    return (await this.storedAtMs(name)) !== undefined;
  }

  async sizeBytes(name: string): Promise<number | undefined> {
    return (await this.#objectOf(name))?.size;
  }

  async storedAtMs(name: string): Promise<number | undefined> {
    return (await this.#objectOf(name))?.lastModified.getTime();
  }

  async #objectOf(name: string): Promise<{ size: number; lastModified: Date } | undefined> {
    const key = pathOf(name);
    return this.#attempting(async () => {
      try {
        return await this.#client.statObject(this.#bucket, key);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  // Not a copy of the object to itself: stores differ in how they take that.
  async refresh(name: string): Promise<boolean> {
    try {
      await this.#putObject(name, asBuffer(await this.getBytes(name)));
      return true;
    } catch (error) {
      if (error instanceof NotFoundError || error instanceof ExecutionError) return false;
      throw error;
    }
  }

  async *list(): AsyncGenerator<{ digest: string; storedAtMs: number }> {
    for await (const { name = '', lastModified } of this.#list('', { deep: true })) {
      if (name.startsWith(`${VALUES}/`) || !lastModified) continue;
      yield { digest: name.slice(name.lastIndexOf('/') + 1), storedAtMs: lastModified.getTime() };
    }
  }

  async delete(name: string): Promise<void> {
    const key = pathOf(name);
    await this.#attempting(() => this.#client.removeObject(this.#bucket, key));
  }

  async days(): Promise<number[]> {
    const days: number[] = [];
    for await (const { prefix = '' } of this.#list(`${VALUES}/`, { deep: false })) {
      const [, day] = /\/(\d+)\/$/.exec(prefix) ?? [];
      if (day !== undefined) days.push(Number(day));
    }
    return days;
  }

  async *valuesOf(day: number): AsyncGenerator<string> {
    for await (const { name = '' } of this.#list(`${VALUES}/${day}/`, { deep: true })) {
      yield `d${day}-${name.slice(name.lastIndexOf('/') + 1)}`;
    }
  }

  async *#list(prefix: string, { deep }: { deep: boolean }): AsyncGenerator<BucketItem> {
    try {
      yield* this.#client.listObjectsV2(this.#bucket, prefix, deep) as AsyncIterable<BucketItem>;
    } catch (error) {
      throw asBlobError(error, this.#where);
    }
  }

  async #finish(upload: MultipartUpload, rest: PartBuffer, name: string): Promise<void> {
    if (upload.partCount === 0) return this.#putObject(name, rest.join());
    if (rest.sizeBytes > 0) await upload.addPart(rest.join());
    await upload.complete();
  }

  async #putObject(name: string, bytes: Buffer): Promise<void> {
    const key = pathOf(name);
    await this.#attempting(() => this.#client.putObject(this.#bucket, key, bytes, bytes.byteLength));
  }

  // Requests the object only when iterated, so that an iterable nobody reads holds no connection open.
  async *#read(name: string): AsyncGenerator<Uint8Array> {
    try {
      yield* await this.#client.getObject(this.#bucket, pathOf(name));
    } catch (error) {
      throw isMissing(error) ? blobNotFound(name) : asBlobError(error, this.#where);
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

/** Puts chunks one behind the other: where there is a place for them, or else in new memory. */
async function collect(chunks: AsyncIterable<Uint8Array>, into: Uint8Array): Promise<Uint8Array> {
  let sizeBytes = 0;
  let parts: PartBuffer | undefined;
  for await (const chunk of chunks) {
    if (!parts && sizeBytes + chunk.length > into.length) {
      parts = new PartBuffer();
      if (sizeBytes > 0) parts.push(into.subarray(0, sizeBytes));
    }
    if (parts) {
      parts.push(chunk);
      continue;
    }
    into.set(chunk, sizeBytes);
    sizeBytes += chunk.length;
    giveBack(chunk);
  }
  return parts?.join() ?? into.subarray(0, sizeBytes);
}

/** Frees the memory of a chunk now: else the collector of garbage searches everything for each few hundred of them. */
function giveBack({ buffer, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}

function partBytes(partCount: number): number {
  return partCount < PARTS_BEFORE_LARGE ? PART_BYTES : LARGE_PART_BYTES;
}

function connect(config: S3BlobStoreConfig): Client {
  return new Client({
    ...addressOf(config.endpoint),
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

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExecutionError, InvalidError, NotFoundError, valueName } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { BlobStore } from './blob-store.ts';
import { digestOf } from './digest.ts';

/** A store under test, and the means to break it. */
export interface OpenedBlobStore extends AsyncDisposable {
  store: BlobStore;
  /** Changes stored bytes behind the store's back. */
  damage(digest: string): Promise<void>;
}

const ABSENT = `sha256-${'0'.repeat(64)}`;
// Spans several parts of a multipart upload.
const LARGE_CHUNK_BYTES = 3 * 1024 * 1024 + 1;
const LARGE_CHUNKS = 7;

/** What every {@link BlobStore} promises; each driver's tests call this with a way to open one. */
export function blobStoreContract(name: string, open: () => Promise<OpenedBlobStore>): void {
  describe(`${name}: the blob store contract`, () => {
    let opened: OpenedBlobStore;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await opened[Symbol.asyncDispose]();
    });
    roundTrips(() => opened.store);
    values(() => opened.store);
    ages(() => opened);
    refusals(() => opened.store);
    damages(() => opened);
  });
}

function roundTrips(store: () => BlobStore): void {
  test.each([
    ['no bytes', new Uint8Array()],
    ['few bytes', bytesOf('one')],
    ['a view into a larger buffer', bytesOf('xxtwoxx').subarray(2, 5)],
  ])('returns %s as they were stored', async (_, bytes) => {
    const stored = await store().putBytes(bytes);

    expect(stored).toEqual({ digest: digestOf(bytes), sizeBytes: bytes.byteLength });
    expect(await store().has(stored.digest)).toBe(true);
    expect([...(await store().getBytes(stored.digest))]).toEqual([...bytes]);
    expect([...(await collect(await store().get(stored.digest)))]).toEqual([...bytes]);
  });

  test('returns the same bytes where the reader offers memory for them, enough or not', async () => {
    const bytes = await collect(largeContent(2));
    const { digest } = await store().putBytes(bytes);

    for (const sizeBytes of [0, 1, bytes.length - 1, bytes.length, bytes.length + 1]) {
      const read = await store().getBytes(digest, new Uint8Array(sizeBytes));
      expect(read.length).toBe(bytes.length);
      expect(digestOf(read)).toBe(digest);
    }
  });

  test('streams a blob of many chunks in and out without changing it', async () => {
    const digest = digestOf(await collect(largeContent(1)));

    await store().put(digest, largeContent(1));

    expect(digestOf(await collect(await store().get(digest)))).toBe(digest);
    expect(digestOf(await store().getBytes(digest))).toBe(digest);
  });

  test.each([
    ['of some bytes', 10, 1_000],
    ['of a whole block', 3, 4 * 1024 * 1024],
    ['of a MiB and a byte', 4096, 1024 * 1024 + 1],
    ['up to the end of the file', 5 * 1024 * 1024, 4 * 1024 * 1024],
    ['behind the end of the file', 9 * 1024 * 1024, 2 * 1024 * 1024],
  ])('stores a part of a file: %s', async (_, start, length) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'file');
    const content = Buffer.concat([Buffer.from('begin'), await collect(largeContent(7))]).subarray(
      0,
      8_500_000,
    );
    await writeFile(path, content);
    const part = content.subarray(start, start + length);
    const file = await open(path);
    try {
      const stored = await store().putPart({ file, start, length });
      expect(stored).toEqual({ digest: digestOf(part), sizeBytes: part.length });
    } finally {
      await file.close();
    }
    expect(Buffer.from(await store().getBytes(digestOf(part))).equals(part)).toBe(true);
  });

  test('stores many parts of files at once', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'file');
    const content = Buffer.concat(
      Array.from({ length: 24 }, (_, index) => Buffer.alloc(2 * 1024 * 1024, `${index}:`)),
    );
    await writeFile(path, content);
    const file = await open(path);
    try {
      const starts = Array.from({ length: 24 }, (_, index) => index * 2 * 1024 * 1024);
      const length = 2 * 1024 * 1024;
      const stored = await Promise.all(starts.map((start) => store().putPart({ file, start, length })));
      const expected = starts.map((start) => digestOf(content.subarray(start, start + length)));
      expect(stored.map(({ digest }) => digest)).toEqual(expected);
      for (const digest of expected) expect(digestOf(await store().getBytes(digest))).toBe(digest);
    } finally {
      await file.close();
    }
  });

  test('stores one digest from many callers at once', async () => {
    const digest = digestOf(await collect(largeContent(2)));

    await Promise.all([1, 2, 3, 4].map(() => store().put(digest, largeContent(2))));

    expect(digestOf(await store().getBytes(digest))).toBe(digest);
  });

  test('lets a reader stop early', async () => {
    const digest = digestOf(await collect(largeContent(3)));
    await store().put(digest, largeContent(3));

    for await (const chunk of await store().get(digest)) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }

    expect(await store().has(digest)).toBe(true);
  });

  test('forgets a deleted blob, and deletes what is not there without complaint', async () => {
    const { digest } = await store().putBytes(bytesOf('short-lived'));

    await store().delete(digest);
    await store().delete(digest);

    expect(await store().has(digest)).toBe(false);
  });
}

function ages(opened: () => OpenedBlobStore): void {
  const listed = async () => {
    const all = new Map<string, number>();
    for await (const { digest, storedAtMs } of opened().store.list()) all.set(digest, storedAtMs);
    return all;
  };

  test('knows when a blob was stored, and lists all blobs that are no values', async () => {
    const { store } = opened();
    const [one, two] = [await store.putBytes(bytesOf('aged one')), await store.putBytes(bytesOf('aged two'))];
    const value = await store.putValue(bytesOf('an aged value'));
    const storedAtMs = (await store.storedAtMs(one.digest)) ?? 0;

    expect(Math.abs(storedAtMs - Date.now())).toBeLessThan(3600 * 1000);
    const all = await listed();
    expect(Math.abs((all.get(one.digest) ?? 0) - storedAtMs)).toBeLessThan(1_000);
    expect(all.has(two.digest)).toBe(true);
    expect([...all.keys()].filter((digest) => !/^sha256-[0-9a-f]{64}$/.test(digest))).toEqual([]);
    expect(all.has(digestOf(bytesOf('an aged value')))).toBe(false);
    expect(await store.has(value.name)).toBe(true);
    expect(await store.storedAtMs(ABSENT)).toBeUndefined();
    expect([await store.sizeBytes(one.digest), await store.sizeBytes(value.name)]).toEqual([8, 13]);
    expect(await store.sizeBytes(ABSENT)).toBeUndefined();
  });

  test('makes a blob younger by a refresh, and by being stored again', async () => {
    const { store } = opened();
    const bytes = bytesOf('to be refreshed');
    const { digest } = await store.putBytes(bytes);
    for (const again of [() => store.refresh(digest), () => store.putBytes(bytes)]) {
      const before = (await store.storedAtMs(digest)) ?? 0;
      // Some stores count seconds.
      await vi.waitFor(
        async () => {
          await again();
          expect(await store.storedAtMs(digest)).toBeGreaterThan(before);
        },
        { timeout: 30_000, interval: 300 },
      );
    }
    expect(await store.refresh(digest)).toBe(true);
    expect([...(await store.getBytes(digest))]).toEqual([...bytes]);
    expect(await store.refresh(ABSENT)).toBe(false);
  });
}

function values(store: () => BlobStore): void {
  const DAY_MS = 24 * 3600 * 1000;
  const listed = async (day: number): Promise<string[]> => {
    const names: string[] = [];
    for await (const name of store().valuesOf(day)) names.push(name);
    return names.sort();
  };

  test('stores a value under the day and its digest, apart from the blob with the same bytes', async () => {
    const bytes = bytesOf('a value of today');
    const { name, sizeBytes } = await store().putValue(bytes);

    expect([
      valueName(digestOf(bytes), Date.now()),
      valueName(digestOf(bytes), Date.now() - 1_000),
    ]).toContain(name);
    expect(sizeBytes).toBe(bytes.byteLength);
    expect([...(await store().getBytes(name))]).toEqual([...bytes]);
    expect([...(await collect(await store().get(name)))]).toEqual([...bytes]);
    expect(await store().has(digestOf(bytes))).toBe(false);
  });

  test('streams a large value in and out', async () => {
    const name = valueName(digestOf(await collect(largeContent(5))), Date.now());

    await store().put(name, largeContent(5));

    expect(name).toContain(digestOf(await store().getBytes(name)));
  });

  test('lists the days that have values, and the values of a day', async () => {
    expect(await listed(1)).toEqual([]);
    const names = Array.from({ length: 20 }, (_, index) =>
      valueName(digestOf(bytesOf(`${index}`)), 3 * DAY_MS),
    );
    await Promise.all(names.map((name, index) => store().put(name, bytesOf(`${index}`))));
    const other = valueName(digestOf(bytesOf('0')), 40 * DAY_MS);
    await store().put(other, bytesOf('0'));

    expect(await store().days()).toEqual(expect.arrayContaining([3, 40]));
    expect(await listed(3)).toEqual(names.sort());
    expect(await listed(40)).toEqual([other]);
    expect(await listed(4)).toEqual([]);
  });

  test('removes a value of one day and leaves the same bytes of another, and a day without values is none', async () => {
    const bytes = bytesOf('of two days');
    const [old, young] = [5, 6].map((day) => valueName(digestOf(bytes), day * DAY_MS)) as [string, string];
    await store().put(old, bytes);
    await store().put(young, bytes);

    await store().delete(old);
    await store().delete(old);

    expect(await store().has(old)).toBe(false);
    expect([...(await store().getBytes(young))]).toEqual([...bytes]);
    const days = await store().days();
    expect(days).not.toContain(5);
    expect(days).toContain(6);
  });

  test('says that a value is missing by its name', async () => {
    const name = valueName(digestOf(bytesOf('gone')), 7 * DAY_MS);
    await expect(store().getBytes(name)).rejects.toSatisfy(isError(NotFoundError, name));
    await expect(store().get(name)).rejects.toSatisfy(isError(NotFoundError, name));
  });

  test('refuses a value whose content does not match its digest', async () => {
    const name = valueName(digestOf(bytesOf('announced value')), Date.now());
    await expect(store().put(name, bytesOf('other'))).rejects.toBeInstanceOf(InvalidError);
    expect(await store().has(name)).toBe(false);
  });
}

function refusals(store: () => BlobStore): void {
  test('says that a blob is missing by its digest', async () => {
    await expect(store().get(ABSENT)).rejects.toSatisfy(isError(NotFoundError, ABSENT));
    await expect(store().getBytes(ABSENT)).rejects.toSatisfy(isError(NotFoundError, ABSENT));
    expect(await store().has(ABSENT)).toBe(false);
  });

  test.each([
    ['small', () => bytesOf('something else')],
    ['large', () => largeContent(4)],
  ])('stores nothing when %s content does not match the digest', async (size, content) => {
    const announced = digestOf(bytesOf(`announced ${size}`));

    await expect(store().put(announced, content())).rejects.toSatisfy(isError(InvalidError, announced));

    expect(await store().has(announced)).toBe(false);
  });

  test.each([
    ['early', 0],
    ['after several parts', LARGE_CHUNKS],
  ])('stores nothing when the source fails %s', async (_, chunks) => {
    const digest = digestOf(bytesOf(`interrupted after ${chunks}`));

    await expect(store().put(digest, interruptedContent(chunks))).rejects.toThrow('the sender went away');

    expect(await store().has(digest)).toBe(false);
  });

  test.each([
    '',
    'sha256-abc',
    `sha256-${'A'.repeat(64)}`,
    `sha256-../${'0'.repeat(61)}`,
    `md5-${'0'.repeat(64)}`,
    `d-sha256-${'0'.repeat(64)}`,
    `d1/../sha256-${'0'.repeat(64)}`,
  ])('refuses "%s" as a digest', async (digest) => {
    for (const action of [
      () => store().put(digest, bytesOf('x')),
      () => store().get(digest),
      () => store().getBytes(digest),
      () => store().has(digest),
      () => store().delete(digest),
    ]) {
      await expect(action()).rejects.toSatisfy(isError(InvalidError, `"${digest}"`));
    }
  });
}

function damages(opened: () => OpenedBlobStore): void {
  test('reports damaged content instead of returning it, until the blob is stored again', async () => {
    const { store, damage } = opened();
    const bytes = bytesOf('precious content, long enough to be worth protecting');
    const { digest } = await store.putBytes(bytes);

    await damage(digest);

    await expect(store.getBytes(digest)).rejects.toSatisfy(isError(ExecutionError, digest));
    await expect(collect(await store.get(digest))).rejects.toSatisfy(isError(ExecutionError, digest));

    await store.put(digest, bytes);

    expect([...(await store.getBytes(digest))]).toEqual([...bytes]);
  });
}

function isError(errorClass: new (message: string) => Error, text: string): (error: unknown) => boolean {
  return (error) => error instanceof errorClass && error.message.includes(text);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function* largeContent(seed: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < LARGE_CHUNKS; index++) {
    yield new Uint8Array(LARGE_CHUNK_BYTES).fill(seed * 16 + index);
  }
}

async function* interruptedContent(chunks: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < chunks; index++) yield new Uint8Array(LARGE_CHUNK_BYTES);
  throw new Error('the sender went away');
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const collected: Uint8Array[] = [];
  for await (const chunk of chunks) collected.push(chunk);
  return Buffer.concat(collected);
}

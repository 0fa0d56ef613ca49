import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { openBlobStore } from '@gantry/blobs';
import { machineId } from '@gantry/containers';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import type { CollectionOperation, CollectionRecord, DictTablePlace, DictValue } from '@gantry/protocol';
import { DICT_TABLE } from '@gantry/protocol/dict-table';
import { createLogger } from '@gantry/telemetry';
import { ANY_ENVIRONMENT, startNats, temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { CollectionKeeper } from './collection-keeper.ts';
import { readOpenTable, readTable } from './dict-table.fixture.ts';
import { DictTable } from './dict-table.ts';
import { DictTables } from './dict-tables.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const bytes = (text: string) => new Uint8Array(Buffer.from(text));

let nats: Awaited<ReturnType<typeof startNats>>;
let messaging: Messaging;
let folder: TemporaryDirectory;
let leadership: { fence: number | undefined };
let keeper: CollectionKeeper;
let id: string;
let name: string;
let operations = 0;

beforeAll(async () => {
  nats = await startNats();
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await messaging.ensureStreams();
  folder = await temporaryDirectory('gantry-dict-tables-');
});

afterAll(async () => {
  await messaging.close();
  await nats.stop();
  await folder.remove();
});

beforeEach(async () => {
  leadership = { fence: 1 };
  keeper = await startKeeper();
  id = await newDict();
});

afterEach(() => keeper.end());

async function startKeeper(): Promise<CollectionKeeper> {
  const blobs = await openBlobStore({ type: 'disk', path: folder.path });
  return new CollectionKeeper({ messaging, blobs, leadership, log, environments: ANY_ENVIRONMENT });
}

async function perform<T>(operation: CollectionOperation): Promise<T> {
  return (await keeper.perform({ op: `op${++operations}`, operation })) as T;
}

async function newDict(): Promise<string> {
  name = `dict-${++operations}`;
  const open = { do: 'open', kind: 'dict', environment: 'main', createIfMissing: true } as const;
  return (await perform<CollectionRecord>({ ...open, name })).id;
}

async function openTable(dictId = id, machine = machineId()): Promise<string> {
  const { path = '' } = await perform<DictTablePlace>({ do: 'dict.table', id: dictId, machine });
  return path;
}

const put = (key: string, value: string) =>
  perform({
    do: 'dict.put',
    id,
    key: { id: key, bytes: bytes(key) },
    value: bytes(value),
    skipIfExists: false,
  });
const get = (key: string) => perform<DictValue>({ do: 'dict.get', id, key });

describe('the table of a dict', () => {
  it('has what was asked for, as it is on disk, and has each change of it before that is answered', async () => {
    const path = await openTable();
    await put('a', 'one');
    expect(readTable(path, 'a')).toBeUndefined();
    await get('a');
    expect(readTable(path, 'a')).toEqual(bytes('one'));
    const writing = put('a', 'two').then(() => readTable(path, 'a'));
    expect(readTable(path, 'a')).toEqual(bytes('one'));
    expect(await writing).toEqual(bytes('two'));
    await perform({ do: 'dict.remove', id, key: 'a' });
    expect(readTable(path, 'a')).toBeUndefined();
    for (const key of ['b', 'c']) await put(key, key).then(() => get(key));
    const entries = ['b', 'c'].map((key) => ({
      key: { id: key, bytes: bytes(key) },
      value: bytes(`new ${key}`),
    }));
    await perform({ do: 'dict.update', id, entries });
    expect(['b', 'c'].map((key) => readTable(path, key))).toEqual([bytes('new b'), bytes('new c')]);
    await perform({ do: 'dict.clear', id });
    expect(['b', 'c'].map((key) => readTable(path, key))).toEqual([undefined, undefined]);
    await put('b', 'again').then(() => get('b'));
    expect(readTable(path, 'b')).toEqual(bytes('again'));
  });

  it('has nothing that does not fit into it, and a value that fits after one that did not', async () => {
    const path = await openTable();
    await put('a', 'small').then(() => get('a'));
    await put('a', 'x'.repeat(5_000)).then(() => get('a'));
    expect(readTable(path, 'a')).toBeUndefined();
    await put('a', 'small again').then(() => get('a'));
    expect(readTable(path, 'a')).toEqual(bytes('small again'));
  });

  it('is one for all who ask, can be read by anybody who sees it, and by nobody else', async () => {
    const path = await openTable();
    expect(await openTable()).toBe(path);
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  });

  it('is none for who is on another machine', async () => {
    expect(await openTable(id, 'another')).toBe('');
  });

  it.each([
    ['is deleted', () => perform({ do: 'delete', kind: 'dict', environment: 'main', name })],
    [
      'has another keeper',
      async () => {
        const other = await startKeeper();
        await other.perform({ op: 'len', operation: { do: 'dict.len', id } });
        await put('a', 'lost').catch(() => undefined);
        other.end();
      },
    ],
    ['has a keeper that ends', () => Promise.resolve(keeper.end())],
  ])('is closed when the dict %s', async (_, act) => {
    const path = await openTable();
    await put('a', 'one').then(() => get('a'));
    const file = openSync(path, 'r');
    expect(readOpenTable(file, 'a')).toEqual(bytes('one'));
    await act();
    expect(readOpenTable(file, 'a')).toBe('closed');
    expect(existsSync(path)).toBe(false);
    closeSync(file);
  });

  it('is valid for as long as its keeper surely leads, and less than a second longer', async () => {
    const path = await openTable();
    await put('a', 'one').then(() => get('a'));
    await delay(2 * DICT_TABLE.validMs);
    expect(readTable(path, 'a')).toEqual(bytes('one'));
    leadership.fence = undefined;
    await delay(DICT_TABLE.validMs + 50);
    expect(readTable(path, 'a')).toBe('not valid');
    leadership.fence = 1;
    await vi.waitFor(() => expect(readTable(path, 'a')).toEqual(bytes('one')));
  });

  it('is none where others need what memory is left', () => {
    const few = new DictTables({ leadership, sparedBytes: 2 ** 50 });
    expect(few.open(machineId())).toBeUndefined();
    const usual = new DictTables({ leadership });
    expect(usual.open(machineId())?.isClosed).toBe(false);
    for (const tables of [few, usual]) tables.close();
  });

  it('is had by 32 dicts at most', async () => {
    const paths: string[] = [];
    for (let number = 0; number < 33; number++) paths.push(await openTable(await newDict()));
    expect(paths.slice(0, 32).every((path) => path !== '')).toBe(true);
    expect(paths[32]).toBe('');
  });
});

describe.runIf(process.getuid?.() === 0)('a table for which there is no room', () => {
  it('is closed when something cannot be written, so nobody reads what was there before', async () => {
    const place = join(folder.path, 'full');
    await mkdir(place);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', place]);
    try {
      const table = new DictTable(join(place, 'table'));
      table.renew();
      const file = openSync(table.path, 'r');
      const entry = (key: string) => ({ id: key, touchedAtMs: Date.now() }) as never;
      const keys = Array.from({ length: 20 }, (_, number) => `key-${number}`);
      let written = 0;
      for (const key of keys) {
        table.fill(entry(key), bytes('x'.repeat(3_000)));
        if (table.isClosed) break;
        expect(readOpenTable(file, key)).toEqual(bytes('x'.repeat(3_000)));
        written++;
      }
      expect(written).toBeGreaterThan(0);
      expect(table.isClosed).toBe(true);
      expect(readOpenTable(file, 'key-0')).toBe('closed');
      expect(existsSync(table.path)).toBe(false);
      closeSync(file);
    } finally {
      execFileSync('umount', [place]);
    }
  });
});

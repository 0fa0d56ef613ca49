import { openBlobStore } from '@gantry/blobs';
import { DictState, type KeptValue } from '@gantry/collections';
import { connectMessaging, type Messaging } from '@gantry/messaging';
import {
  type CollectionOperation,
  type CollectionRecord,
  NotFoundError,
  type QueueItems,
} from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { ANY_ENVIRONMENT, startNats, temporaryDirectory, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { CollectionKeeper } from './collection-keeper.ts';
import { OpenJournal } from './open-journal.ts';
import { ValueCache } from './value-cache.ts';

const UNTIL = { timeout: 60_000, interval: 100 };
const log = createLogger({ name: 'test', level: 'silent' });
const value = new Uint8Array([1]);

let nats: Awaited<ReturnType<typeof startNats>>;
let messaging: Messaging;
let folder: TemporaryDirectory;
let operations = 0;

beforeAll(async () => {
  nats = await startNats();
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await messaging.ensureStreams();
  folder = await temporaryDirectory('gantry-keeper-');
});

afterAll(async () => {
  await messaging.close();
  await nats.stop();
  await folder.remove();
});

async function startKeeper(leadership: { fence: number | undefined } = { fence: 1 }) {
  const blobs = await openBlobStore({ type: 'disk', path: folder.path });
  const keeper = new CollectionKeeper({
    ...{ messaging, blobs, leadership, log, firstHoldMs: 0 },
    environments: ANY_ENVIRONMENT,
  });
  const perform = async <T>(operation: CollectionOperation) =>
    (await keeper.perform({ op: `op${++operations}`, operation })) as T;
  return { keeper, perform };
}

async function newCollection(kind: 'dict' | 'queue', { perform }: Awaited<ReturnType<typeof startKeeper>>) {
  const name = `${kind}-${++operations}`;
  return (
    await perform<CollectionRecord>({ do: 'open', kind, environment: 'main', name, createIfMissing: true })
  ).id;
}

describe('a keeper', () => {
  it('answers nothing when it does not lead', async () => {
    const leadership = { fence: undefined };
    const { keeper, perform } = await startKeeper(leadership);
    await expect(perform({ do: 'dict.len', id: 'di-x' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    keeper.end();
  });

  it('answers a read at once, but one that sees what is not on disk yet when it is', async () => {
    const { keeper, perform } = await startKeeper();
    const id = await newCollection('dict', { keeper, perform });
    const get = { op: 'read', operation: { do: 'dict.get', id, key: '1' } } as const;
    const entry = { key: { id: '1', bytes: value }, value, skipIfExists: false };
    expect(await keeper.perform(get)).toEqual({});
    const order: string[] = [];
    const put = perform({ do: 'dict.put', id, ...entry }).then(() => order.push('written'));
    const read = keeper.perform(get);
    expect(read).toBeInstanceOf(Promise);
    expect(await (read as Promise<unknown>).finally(() => order.push('read'))).toEqual({ value });
    await put;
    expect(order).toEqual(['written', 'read']);
    expect(keeper.perform(get)).toEqual({ value });
    expect(keeper.perform({ ...get, operation: { ...get.operation, key: '2' } })).toEqual({});
    for (const [key, isThere] of [
      ['1', true],
      ['2', false],
    ] as const) {
      expect(keeper.perform({ op: 'has', operation: { do: 'dict.has', id, key } })).toBe(isThere);
    }
    keeper.end();
    expect(() => keeper.perform(get)).toThrow('another server keeps dicts and queues now');
  });

  it('that was replaced without knowing it can write no more, and what it did not write is not seen', async () => {
    const former = await startKeeper();
    const id = await newCollection('queue', former);
    const values = [value];
    const put = { do: 'queue.put', id, partition: '', values, ttlMs: 1_000_000, waitMs: 0 } as const;
    await former.perform(put);
    const present = await startKeeper();
    expect(await present.perform({ do: 'queue.len', id })).toBe(1);
    await expect(former.perform(put)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await present.perform({ do: 'queue.len', id })).toBe(1);
    const taken = await present.perform<QueueItems>({
      do: 'queue.take',
      id,
      partition: '',
      count: 9,
      waitMs: 0,
    });
    expect(await present.perform({ do: 'queue.confirm', id, loan: taken.loan })).toBe(true);
    expect(taken.values).toHaveLength(1);
    former.keeper.end();
    present.keeper.end();
  });

  it('removes what nobody holds and nobody could ask for by name', async () => {
    const { keeper, perform } = await startKeeper();
    const { id } = await perform<CollectionRecord>({
      do: 'openEphemeral',
      kind: 'dict',
      environment: 'main',
    });
    const held = await perform<CollectionRecord>({ do: 'openEphemeral', kind: 'dict', environment: 'main' });
    const holding = setInterval(() => void messaging.leases.touch(held.id).catch(() => undefined), 1_000);
    try {
      await messaging.leases.touch(held.id);
      await vi.waitFor(
        async () => await expect(perform({ do: 'dict.len', id })).rejects.toThrow(NotFoundError),
        UNTIL,
      );
      expect(await perform({ do: 'dict.len', id: held.id })).toBe(0);
    } finally {
      clearInterval(holding);
      keeper.end();
    }
  });
});

describe('an open journal', () => {
  it('reads again what does not fit into memory', async () => {
    const cache = new ValueCache(2_000);
    const dropped: KeptValue[] = [];
    const state = new DictState((kept) => void dropped.push(kept));
    const options = { id: 'di-large', journals: messaging.journals, cache };
    const journal = await OpenJournal.open({ ...options, state });
    for (let number = 1; number <= 20; number++) {
      const id = `k${number}`;
      const bytes = new Uint8Array(500).fill(number);
      await journal.append([{ set: id, key: value, number, value: bytes, atMs: Date.now() }]);
    }
    const kepts = state.page(0, Date.now()).entries.map(({ kept }) => kept);
    expect(kepts.filter(({ payload }) => payload !== undefined).length).toBeLessThan(5);
    for (const [index, kept] of kepts.entries()) {
      expect(await journal.payloadOf(kept)).toEqual(new Uint8Array(500).fill(index + 1));
    }
    const again = new DictState();
    const reopened = await OpenJournal.open({ ...options, state: again });
    const [first] = again.page(0, Date.now()).entries;
    expect(first && (await reopened.payloadOf(first.kept))).toEqual(new Uint8Array(500).fill(1));
    await expect(journal.append([{ del: 'k1' }])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(journal.failed).toBe(true);
  });
});

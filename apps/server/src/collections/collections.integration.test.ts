import {
  Client,
  type CollectionSummary,
  Dict,
  NotFoundError,
  Queue,
  QueueEmptyError,
  QueueFullError,
  RequestSizeError,
} from 'gantry';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { TestClient, TOKEN } from '../testing/test-client.ts';
import { TestPlatform } from '../testing/test-platform.ts';

const UNTIL = { timeout: 30_000, interval: 50 };
let platform: TestPlatform;
let client: Client;
let names = 0;

beforeAll(async () => {
  platform = await TestPlatform.start();
  client = new Client({ serverUrl: platform.server.url, token: TOKEN });
});

afterAll(async () => {
  await client.close();
  await platform.stop();
});

function newDict<K, V>(): Dict<K, V> {
  return Dict.fromName<K, V>(`dict-${++names}`, { client, createIfMissing: true });
}

function newQueue<T>(): Queue<T> {
  return Queue.fromName<T>(`queue-${++names}`, { client, createIfMissing: true });
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

describe('dicts', () => {
  it('keep what is put, of every type that calls carry, and forget what is removed', async () => {
    const dict = newDict<string, unknown>();
    const values = {
      date: new Date(5),
      map: new Map([['a', { b: 1n }]]),
      bytes: new Uint8Array([1, 2]),
      none: undefined,
    };
    for (const [key, value] of Object.entries(values)) expect(await dict.put(key, value)).toBe(true);
    for (const [key, value] of Object.entries(values)) expect(await dict.get(key)).toEqual(value);
    expect(await dict.has('none')).toBe(true);
    expect(await dict.contains('other')).toBe(false);
    expect(await dict.get('other')).toBeUndefined();
    expect(await dict.get('other', 7)).toBe(7);
    expect(await dict.len()).toBe(4);
    expect(await dict.pop('date')).toEqual(new Date(5));
    await expect(dict.pop('date')).rejects.toThrow(NotFoundError);
    expect(await dict.delete('map')).toBe(true);
    expect(await dict.delete('map')).toBe(false);
    expect(await dict.len()).toBe(2);
    await dict.clear();
    expect(await all(dict.keys())).toEqual([]);
  });

  it('take equal keys for the same, whatever the order of their parts', async () => {
    const dict = newDict<unknown, number>();
    await dict.put({ a: 1, b: [new Date(0)] }, 1);
    await dict.put({ b: [new Date(0)], a: 1 }, 2);
    await dict.put(1, 3);
    await dict.put('1', 4);
    expect(await dict.len()).toBe(3);
    expect(await dict.get({ a: 1, b: [new Date(0)] })).toBe(2);
    expect((await all(dict.items())).map(([, value]) => value).sort()).toEqual([2, 3, 4]);
  });

  it('let one of many write what must not exist, and one of many pop it', async () => {
    const dict = newDict<string, number>();
    const written = await Promise.all(
      Array.from({ length: 20 }, (_, index) => dict.put('job', index, { skipIfExists: true })),
    );
    expect(written.filter(Boolean)).toHaveLength(1);
    expect(await dict.get('job')).toBe(written.indexOf(true));
    const popped = await Promise.allSettled(Array.from({ length: 20 }, () => dict.pop('job')));
    expect(popped.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('take updates from maps and objects, up to 10,000 entries', async () => {
    const dict = newDict<string, string>();
    await dict.update({ a: '1', b: '2' });
    await dict.update(new Map([['b', '3']]));
    expect(Object.fromEntries(await all(dict.items()))).toEqual({ a: '1', b: '3' });
    const many = new Map(
      Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 'x'.repeat(50)] as const),
    );
    await dict.update(many);
    expect(await dict.len()).toBe(10_002);
    await expect(dict.update(new Map([...many, ['one', 'more']]))).rejects.toThrow('10000');
  });

  it('are iterated while they are written: what is there all the time is seen once', async () => {
    const dict = newDict<number, string>();
    await dict.update(
      new Map(Array.from({ length: 5_000 }, (_, index) => [index, 'x'.repeat(100)] as const)),
    );
    const seen: number[] = [];
    for await (const [key] of dict.items()) {
      seen.push(key);
      if (seen.length % 500 !== 0) continue;
      await dict.put(key, 'again');
      await dict.put(10_000 + key, 'new');
      await dict.delete(4_999 - seen.length);
    }
    const stayed = seen.filter((key) => key < 2_000);
    expect(new Set(seen).size).toBe(seen.length);
    expect(stayed.length).toBeGreaterThan(1_990);
    expect(await all(dict.values())).toHaveLength(await dict.len());
  });

  it('keep large values in the blob store', async () => {
    const dict = newDict<string, Uint8Array>();
    const large = new Uint8Array(3_000_000).fill(7);
    await dict.put('large', large);
    await dict.put('small', new Uint8Array(10));
    expect(Buffer.compare((await dict.get('large')) ?? new Uint8Array(), large)).toBe(0);
    expect((await all(dict.values())).map(({ length }) => length)).toEqual([3_000_000, 10]);
    expect((await dict.pop('large')).length).toBe(3_000_000);
    expect(await dict.get('large')).toBeUndefined();
    await expect(dict.put('more', new Uint8Array(100 * 1024 ** 2 + 1))).rejects.toThrow(RequestSizeError);
  });

  it('are found by name in their environment, listed, and deleted', async () => {
    const missing = Dict.fromName('nowhere', { client });
    await expect(missing.get('x')).rejects.toThrow('there is no dict "nowhere"');
    expect(() => missing.objectId).toThrow('not looked up yet');
    const dict = Dict.fromName<string, number>('named', { client, createIfMissing: true });
    await dict.put('x', 1);
    expect(dict.objectId).toMatch(/^di-/);
    await platform.client.createEnvironment('other');
    const other = Dict.fromName<string, number>('named', {
      client,
      environment: 'other',
      createIfMissing: true,
    });
    expect(await other.get('x')).toBeUndefined();
    const found = (await Dict.list({ client })).find(({ name }) => name === 'named');
    expect(found).toMatchObject({ length: 1, environment: 'main' } satisfies Partial<CollectionSummary>);
    await Dict.delete('named', { client });
    await expect(Dict.delete('named', { client })).rejects.toThrow(NotFoundError);
    // Made anew by the handle that may: without its entries.
    expect(await dict.get('x')).toBeUndefined();
    expect(() => Dict.fromName('no/name')).toThrow('not valid');
  });
});

describe('queues', () => {
  it('give items in the order in which they were put, each once, partition by partition', async () => {
    const queue = newQueue<number>();
    await queue.put(1);
    await queue.putMany([2, 3, 4]);
    await queue.put(10, { partition: 'p' });
    expect(await queue.len()).toBe(4);
    expect(await queue.len({ partition: 'p' })).toBe(1);
    expect(await queue.len({ total: true })).toBe(5);
    expect(await all(queue.iterate())).toEqual([1, 2, 3, 4]);
    expect(await queue.get()).toBe(1);
    expect(await queue.getMany(2)).toEqual([2, 3]);
    expect(await queue.getMany(5)).toEqual([4]);
    expect(await queue.len({ total: true })).toBe(1);
    expect(await queue.get({ partition: 'p' })).toBe(10);
  });

  it('answer at once without block, and end the waiting with its time or signal', async () => {
    const queue = newQueue<number>();
    expect(await queue.get({ block: false })).toBeNull();
    expect(await queue.getMany(3, { block: false, timeoutMs: 5 })).toEqual([]);
    await expect(queue.get({ timeoutMs: 20 })).rejects.toThrow(QueueEmptyError);
    await expect(queue.getMany(2, { timeoutMs: 0 })).rejects.toThrow('had no item within 0 ms');
    await expect(queue.get({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    const controller = new AbortController();
    const waiting = queue.get({ signal: controller.signal });
    controller.abort(new Error('no more'));
    await expect(waiting).rejects.toThrow('no more');
    // What came for whoever waits no more is given back.
    await queue.put(5);
    expect(await queue.get({ timeoutMs: 30_000 })).toBe(5);
    await expect(queue.get({ timeoutMs: -1 })).rejects.toThrow('timeoutMs');
  });

  it('hand an item to who waits for it', async () => {
    const queue = newQueue<string>();
    const waiting = [queue.get(), queue.getMany(5)];
    await queue.put('a');
    await queue.put('b');
    const got = (await Promise.all(waiting)).flat();
    expect(got.sort()).toEqual(['a', 'b']);
  });

  it('hold 5,000 items in a partition: the next one waits for room, or fails', async () => {
    const queue = newQueue<number>();
    await queue.putMany(Array.from({ length: 5_000 }, (_, index) => index));
    await expect(queue.put(1, { block: false })).rejects.toThrow(QueueFullError);
    await expect(queue.put(1, { timeoutMs: 20 })).rejects.toThrow('had no room within 20 ms');
    await queue.put(1, { partition: 'other' });
    const waiting = queue.put(5_000);
    expect(await queue.get()).toBe(0);
    await waiting;
    const rest = await queue.getMany(6_000, { block: false });
    expect(rest).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });

  it('say of a list that is too long for the room there is how much of it they have', async () => {
    const queue = newQueue<number>();
    const list = Array.from({ length: 5_001 }, (_, index) => index);
    await expect(queue.putMany(list, { block: false })).rejects.toMatchObject({
      message: expect.stringContaining('after the first 5000 items, which are in it') as string,
      details: { put: 5_000 },
    });
    expect(await queue.len()).toBe(5_000);
    await expect(queue.put(1, { block: false })).rejects.toMatchObject({ details: { put: 0 } });
  });

  it('refuse to be asked for one partition and for all', async () => {
    const queue = newQueue<number>();
    await expect(queue.clear({ partition: 'a', all: true })).rejects.toThrow('contradict each other');
    await expect(queue.len({ partition: 'a', total: true })).rejects.toThrow('contradict each other');
  });

  it('take items of 1 MiB, and none above', async () => {
    const queue = newQueue<Uint8Array>();
    await queue.put(new Uint8Array(1024 ** 2 - 16).fill(3));
    const item = await queue.get();
    expect([item?.length, item?.at(-1)]).toEqual([1024 ** 2 - 16, 3]);
    await expect(queue.put(new Uint8Array(1024 ** 2 + 1))).rejects.toThrow(RequestSizeError);
  });

  it('clear a partition after its time, counted from its last put', async () => {
    const queue = newQueue<number>();
    await queue.put(1, { partition: 'short', partitionTtlMs: 200 });
    await queue.put(2, { partition: 'long' });
    await vi.waitFor(async () => expect(await queue.len({ partition: 'short' })).toBe(0), UNTIL);
    expect(await queue.get({ partition: 'short', block: false })).toBeNull();
    expect(await queue.get({ partition: 'long', block: false })).toBe(2);
    await expect(queue.put(1, { partitionTtlMs: 24 * 3600 * 1000 + 1 })).rejects.toThrow('24 hours');
  });

  it('check the keys of partitions', async () => {
    const queue = newQueue<number>();
    expect(Queue.validatePartitionKey('é')).toEqual(new TextEncoder().encode('é'));
    expect(() => Queue.validatePartitionKey('')).toThrow('no key of a partition');
    await expect(queue.put(1, { partition: 'x'.repeat(65) })).rejects.toThrow('no key of a partition');
    await queue.clear({ partition: 'unknown' });
  });

  it('show items as they come, without taking them', async () => {
    const queue = newQueue<number>();
    await queue.putMany([1, 2]);
    const seen: number[] = [];
    for await (const item of queue.iterate({ itemPollTimeoutMs: 300 })) {
      seen.push(item);
      if (item === 2) await queue.put(3);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(await queue.len()).toBe(3);
    await queue.clear({ all: true });
    expect(await queue.len({ total: true })).toBe(0);
  });

  it('lend an item to a taker that never says that it has it, and give it back after its lease', async () => {
    const queue = newQueue<string>();
    await queue.put('first');
    await queue.put('second');
    const session = await platform.client.session();
    const operation = { do: 'queue.take', id: queue.objectId, partition: '', count: 1, waitMs: 0 } as const;
    session.send({ type: 'collection', requestId: 1, operation });
    expect((await session.waitFor('answer'))[0]?.value).toMatchObject({ values: [expect.anything()] });
    session.close();
    // Its connection ended in the middle: the item comes back, and once; before the other one only if that took long.
    const got = [await queue.get(), await queue.get({ timeoutMs: 60_000 })];
    expect(got.sort()).toEqual(['first', 'second']);
    expect(await queue.get({ block: false })).toBeNull();
  });

  it('do once what is asked for twice, as after a reconnect', async () => {
    const queue = newQueue<number>();
    await queue.hydrate();
    const session = await platform.client.session();
    const values = [new Uint8Array([1])];
    const put = {
      do: 'queue.put',
      id: queue.objectId,
      partition: '',
      values,
      ttlMs: 1_000_000,
      waitMs: 0,
    } as const;
    for (let time = 0; time < 3; time++) session.send({ type: 'collection', requestId: 9, operation: put });
    await session.waitFor('answer', 3);
    expect(await queue.len()).toBe(1);
    const take = { do: 'queue.take', id: queue.objectId, partition: '', count: 1, waitMs: 0 } as const;
    for (let time = 0; time < 2; time++) session.send({ type: 'collection', requestId: 10, operation: take });
    const answers = (await session.waitFor('answer', 5)).slice(3);
    expect(answers[0]?.value).toEqual(answers[1]?.value);
    session.close();
  });
});

describe('both', () => {
  it('live without a name while they are held, and travel as handles', async () => {
    let id: string;
    {
      await using queue = await Queue.ephemeral<Dict<string, number>>({ client });
      await using dict = await Dict.ephemeral<string, number>({ client });
      id = queue.objectId;
      await dict.put('x', 1);
      await queue.put(dict);
      expect(await queue.len()).toBe(1);
      const operation = { do: 'dict.get', id: dict.objectId, key: '"x"' } as const;
      const session = await platform.client.session();
      session.send({ type: 'collection', requestId: 1, operation });
      expect((await session.waitFor('answer'))[0]?.value).toEqual({ value: expect.anything() });
      session.close();
    }
    expect(id).toMatch(/^qu-/);
    const answer = await Dict.ephemeral({ client }, async (dict: Dict<string, number>) => {
      await dict.put('x', 2);
      return await Queue.ephemeral({ client }, async (queue: Queue<number>) => {
        await queue.put((await dict.get('x')) ?? 0);
        return await queue.get();
      });
    });
    expect(answer).toBe(2);
  });

  it('outlive their server, and go on in another one', async () => {
    const [dict, queue] = [newDict<string, number>(), newQueue<number>()];
    await dict.put('kept', 1);
    await queue.putMany([1, 2, 3]);
    expect(await queue.get()).toBe(1);
    const second = await platform.startAnotherServer();
    const elsewhere = new Client({ serverUrl: second.url, token: TOKEN });
    try {
      await platform.server.stop();
      platform.server = second;
      expect(await Dict.fromName(dict.name, { client: elsewhere }).get('kept')).toBe(1);
      const same = Queue.fromName<number>(queue.name, { client: elsewhere });
      expect(await same.getMany(10)).toEqual([2, 3]);
    } finally {
      await elsewhere.close();
    }
  });

  it('refuse what is no operation', async () => {
    const session = await new TestClient(platform.server.url).session();
    const operations = [
      null,
      {},
      { do: 'dict.get' },
      { do: 'dict.put', id: 'x', key: 1, value: 2 },
      { do: 'eat', id: 'x' },
    ];
    for (const [index, operation] of operations.entries()) {
      session.send({ type: 'collection', requestId: index, operation: operation as never });
    }
    const answers = await session.waitFor('answer', operations.length);
    for (const { error } of answers) expect(error?.code).toBe('INVALID_ARGUMENT');
    session.close();
  });
});

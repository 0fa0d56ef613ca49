import { join } from 'node:path';

import { Cls, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { addAll, addMany, failing, lengths, short, Shouter } from './batching-app.ts';
import { startPlatformWith } from './deployed-platform.ts';
import type { Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'batching-app.ts');

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatformWith(ENTRY);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

describe('a batched function', () => {
  test('takes single values from its callers and gives each its own result', async () => {
    const add = RemoteFunction.fromName<typeof addAll>('batching', 'addAll');

    const sums = await Promise.all([add.remote(1, 300), add.remote(2, 200), add.remote(3, 100)]);

    expect(sums.map(({ sum }) => sum)).toEqual([301, 202, 103]);
  });

  test('runs full batches while enough inputs wait, and what is left after waitMs', async () => {
    const add = RemoteFunction.fromName<typeof addAll>('batching', 'addAll');

    const results = await collect(add.map([1, 2, 3, 4, 5, 6, 7, 8, 9], [9, 8, 7, 6, 5, 4, 3, 2, 1]));

    expect(results.map(({ sum }) => sum)).toEqual(Array.from({ length: 9 }, () => 10));
    expect(results.map(({ batchSize }) => batchSize).sort()).toEqual([1, 4, 4, 4, 4, 4, 4, 4, 4]);
  });

  test('takes batches of hundreds', async () => {
    const add = RemoteFunction.fromName<typeof addMany>('batching', 'addMany');
    const inputs = Array.from({ length: 500 }, (_, x) => x);

    const results = await collect(add.map(inputs));

    expect(results.map(({ sum }) => sum)).toEqual(inputs.map((x) => x + 1));
    expect(Math.max(...results.map(({ batchSize }) => batchSize))).toBe(250);
  });

  test('tells every caller when its list has another length', async () => {
    const remote = RemoteFunction.fromName<typeof short>('batching', 'short');

    const results = await Promise.allSettled([remote.remote(1), remote.remote(2), remote.remote(3)]);

    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: {
          name: 'InvalidError',
          message: expect.stringMatching(/list of \d for a batch of \d/) as string,
        },
      });
    }
  });

  test('fails every caller of a batch that throws', async () => {
    const remote = RemoteFunction.fromName<typeof failing>('batching', 'failing');

    const results = await Promise.allSettled([remote.remote('a'), remote.remote('b'), remote.remote('c')]);

    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'RangeError' } });
    }
  });

  test('may be the one method of a class', async () => {
    const shouter = Cls.fromName<typeof Shouter>('batching', 'Shouter').instance();

    const words = await Promise.all([shouter.shout.remote('ay'), shouter.shout.remote('oh')]);

    expect(words).toEqual(['AY of 2', 'OH of 2']);
  });

  test('takes other batches where its caller replaces them', async () => {
    const cls = Cls.fromName<typeof Shouter>('batching', 'Shouter');
    const alone = cls.withBatching({ maxBatchSize: 1, waitMs: 0 }).instance();

    const words = await Promise.all([alone.shout.remote('ay'), alone.shout.remote('oh')]);

    expect(words).toEqual(['AY of 1', 'OH of 1']);
    expect(await cls.instance().shout.remote('me')).toBe('ME of 1');
  });

  test('may be any function that takes lists, where its caller replaces that', async () => {
    const listed = RemoteFunction.fromName<typeof lengths>('batching', 'lengths');
    const single = listed.withBatching({ maxBatchSize: 2, waitMs: 5_000 });

    expect(await Promise.all([single.remote('ay'), single.remote('oh')])).toEqual(['ay of 2', 'oh of 2']);
    expect(await listed.remote(['ay'])).toEqual(['ay of 1']);
  });
});

import { describe, expect, it } from 'vitest';

import { Dict } from './dict.ts';
import { Queue } from './queue.ts';

const dict = Dict.fromName<string, unknown>('d');
const queue = Queue.fromName('q');

// All without a platform: nothing is asked of it.
describe('what a dict or queue is given is refused if it is', () => {
  it.each([null, undefined, 5, 'text', [['a', 1]], new Set(['a'])])('no entries: %s', async (entries) => {
    await expect(dict.update(entries as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: 'Give a Map, or an object whose names are the keys.',
    });
  });

  it.each([null, undefined, 'text', {}, new Set(['a'])])('no list of items: %s', async (items) => {
    await expect(queue.putMany(items as never)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: 'Give an array; put() is for one item.',
    });
  });

  it.each([
    [() => queue.get({ timeoutMs: '5' as never }), 'timeoutMs is "5"'],
    [() => queue.put(1, { timeoutMs: NaN }), 'timeoutMs is NaN'],
    [() => queue.put(1, { partitionTtlMs: '5' as never }), 'partitionTtlMs is "5"'],
    [() => queue.iterate({ itemPollTimeoutMs: -5 }).next(), 'itemPollTimeoutMs is -5'],
    [() => queue.getMany('3' as never), 'the number of items is "3"'],
  ])('no number: %s', async (act, message) => {
    await expect(act()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message) as string,
    });
  });
});

import { describe, expect, it } from 'vitest';

import { NetworkFileSystem } from '../volumes/network-file-system.ts';
import { Volume } from '../volumes/volume.ts';
import { Dict } from './dict.ts';
import { Queue } from './queue.ts';

const dict = Dict.fromName<string, unknown>('d');
const queue = Queue.fromName('q');

// All without a platform: nothing is asked of it.
describe('what a dict, queue or volume is given is refused if it is', () => {
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

  it.each(['', 'x/y', undefined, 'a b'])('no name: %s', (name) => {
    const handles: { fromName(name: string): unknown }[] = [Dict, Queue, Volume, NetworkFileSystem];
    for (const each of handles) expect(() => each.fromName(name as never)).toThrow('name');
  });

  it('above the size of an item, wherever it is in a list, so that nothing is put', async () => {
    await expect(queue.putMany(['a', new Uint8Array(2 ** 21)])).rejects.toMatchObject({
      code: 'REQUEST_TOO_LARGE',
    });
  });

  it.each([
    [() => Dict.list({ env: 'main' } as never), 'Dict.list: there is no option "env"'],
    [() => Queue.list({ env: 'main' } as never), 'Queue.list: there is no option "env"'],
    [() => Volume.delete('v', { env: 'main' } as never), 'Volume.delete: there is no option "env"'],
    [() => Volume.rename('v', 'w', { env: 'main' } as never), 'Volume.rename: there is no option "env"'],
    [() => Volume.fromName('v').listdir('/', { recursiv: true } as never), 'listdir: there is no option'],
  ])('no option: %s', async (act, message) => {
    await expect(act()).rejects.toThrow(message);
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

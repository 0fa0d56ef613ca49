import { describe, expect, expectTypeOf, it } from 'vitest';

import { Dict, NetworkFileSystem, Queue, Volume } from './index.ts';
import { openFor } from './ephemeral.ts';

function opener() {
  const seen: unknown[] = [];
  const open = async (options: object) => {
    seen.push(options);
    return { name: 'it', [Symbol.asyncDispose]: async () => void seen.push('ended') };
  };
  return { seen, open };
}

describe('what has no name', () => {
  it('is there for as long as a callback runs, which answers', async () => {
    const { seen, open } = opener();
    const answer = await openFor([async ({ name }) => [name, [...seen]]], open);
    expect(answer).toEqual(['it', [{}]]);
    expect(seen).toEqual([{}, 'ended']);
  });

  it('ends also when the callback throws', async () => {
    const { seen, open } = opener();
    const used = openFor([{ environment: 'dev' }, () => Promise.reject(new Error('mine'))], open);
    await expect(used).rejects.toThrow('mine');
    expect(seen).toEqual([{ environment: 'dev' }, 'ended']);
  });

  it('is the caller’s to end without a callback', async () => {
    const { seen, open } = opener();
    expect(await openFor([], open)).toMatchObject({ name: 'it' });
    expect(seen).toEqual([{}]);
  });

  it('refuses what is no callback, before anything is made', async () => {
    const { seen, open } = opener();
    await expect(openFor([{}, 'soon' as never], open)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(seen).toEqual([]);
  });

  it('has the types of its callback', () => {
    const sum = () => Dict.ephemeral(async (dict: Dict<string, number>) => (await dict.get('a')) ?? 0);
    expectTypeOf(sum).returns.toEqualTypeOf<Promise<number>>();
    const own = () => Queue.ephemeral<string>();
    expectTypeOf(own).returns.toEqualTypeOf<Promise<Queue<string> & AsyncDisposable>>();
    const listed = () => Volume.ephemeral({ environment: 'dev' }, (volume) => volume.listdir('/'));
    expectTypeOf(listed).returns.resolves.toExtend<unknown[]>();
    const name = () => NetworkFileSystem.ephemeral((files) => files.name);
    expectTypeOf(name).returns.toEqualTypeOf<Promise<string>>();
  });
});

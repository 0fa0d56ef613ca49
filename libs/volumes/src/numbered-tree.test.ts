import type { VolumeChange } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { directory, file, MemoryPages } from './memory-pages.fixture.ts';
import { VolumeTree } from './volume-tree.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const treeOf = async (changes: readonly VolumeChange[]) =>
  (await VolumeTree.open(new MemoryPages(), undefined)).apply(changes);

// Enough names for several pages.
const name = fc.oneof(fc.constantFrom('a', 'b', 'b.c', 'ü', '😀'), fc.nat({ max: 5_000 }).map(String));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const change = fc.record({ path, entry: fc.constantFrom(file(1), file(2), directory) });

describe('the numbers of entries', () => {
  it('count a walk through the tree, and lead to what the path leads to', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 60 }), async (changes) => {
        const tree = await treeOf(changes);
        const numbers = tree.numbered();
        const walked = await collect(tree.walk());
        for (const [number, { path: at, entry }] of walked.entries()) {
          expect(await numbers.at(number)).toEqual({ number, path: at, entry });
          expect(await numbers.find(at)).toEqual({ number, path: at, entry });
        }
        expect(await numbers.at(walked.length)).toBeUndefined();
        expect(await numbers.at(-1)).toBeUndefined();
        expect(await numbers.find('missing/name')).toBeUndefined();
      }),
    );
  });

  it('list a directory from behind any of its entries as the tree does', async () => {
    const changes = Array.from({ length: 3_000 }, (_, index) => ({
      path: index % 3 === 0 ? `d/${index}` : `d/${index % 50}-x/${index}`,
      entry: file(),
    }));
    const tree = await treeOf(changes);
    const numbers = tree.numbered();
    const expected = await collect(tree.list('d'));
    const listed = await collect(numbers.list('d'));
    expect(listed.map(({ path: at, entry }) => ({ path: at, entry }))).toEqual(expected);
    for (const [index, entry] of listed.entries()) {
      if (index % 97 !== 0) continue;
      expect(await collect(numbers.list('d', entry))).toEqual(listed.slice(index + 1));
    }
    expect(await collect(numbers.list('missing'))).toEqual([]);
    expect((await collect(numbers.list(''))).map(({ path: at }) => at)).toEqual(['d']);
  });
});

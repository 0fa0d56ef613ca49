import type { VolumeChange, VolumeEntry } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { directory, file, MemoryPages } from './memory-pages.fixture.ts';
import { VolumeTree } from './volume-tree.ts';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const pathsOf = async (items: AsyncIterable<{ path: string }>) =>
  (await collect(items)).map(({ path }) => path);
const empty = (store = new MemoryPages()) => VolumeTree.open(store, undefined);
const treeOf = async (...changes: VolumeChange[]) => (await empty()).apply(changes);

/** The plainest tree there is: a map of paths. */
class Model {
  readonly entries = new Map<string, VolumeEntry>();

  apply({ path, entry }: VolumeChange): void {
    if (!entry) return this.#remove(path);
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const above = names.slice(0, depth).join('/');
      if (this.entries.get(above)?.type === 'directory') continue;
      this.entries.set(above, { ...directory, mtimeMs: entry.mtimeMs });
    }
    if (entry.type !== 'directory') this.#remove(path);
    this.entries.set(path, entry);
  }

  #remove(path: string): void {
    for (const other of [...this.entries.keys()])
      if (other === path || other.startsWith(`${path}/`)) this.entries.delete(other);
  }
}

const name = fc.constantFrom('a', 'b', 'b.c', 'b c', 'ü', '😀', 'B');
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
const entry = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 9 }).map(file) },
  { weight: 2, arbitrary: fc.constant(directory) },
  { weight: 1, arbitrary: fc.constant<VolumeEntry>({ type: 'link', mtimeMs: 1, target: 'a' }) },
  { weight: 2, arbitrary: fc.constant(undefined) },
);
const changes = fc.array(fc.record({ path, entry }), { maxLength: 40 });

describe('the tree of a volume', () => {
  it('is what a plain map of paths would be after any changes, in any portions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changes, { maxLength: 4 }), async (portions) => {
        const model = new Model();
        let tree = await empty();
        for (const portion of portions) {
          for (const change of portion) model.apply(change);
          tree = await tree.apply(portion);
        }
        const walked = await collect(tree.walk());
        expect(new Map(walked.map(({ path: at, entry: found }) => [at, found]))).toEqual(model.entries);
        expect(tree.entries).toBe(model.entries.size);
        for (const [at, found] of model.entries) expect(await tree.entry(at)).toEqual(found);
      }),
    );
  });

  it('lists a directory by its direct children, and walks it parents first', async () => {
    const tree = await treeOf(
      { path: 'a/b/c', entry: file() },
      { path: 'a/b.txt', entry: file() },
      { path: 'z', entry: file() },
    );
    expect(await pathsOf(tree.list())).toEqual(['a', 'z']);
    expect(await pathsOf(tree.list('a'))).toEqual(['a/b', 'a/b.txt']);
    expect(await pathsOf(tree.walk('a'))).toEqual(['a/b', 'a/b/c', 'a/b.txt']);
    expect(await pathsOf(tree.list('z'))).toEqual([]);
    expect(await pathsOf(tree.list('missing'))).toEqual([]);
  });

  it('has the same root for the same contents, however they came about', async () => {
    const paths = Array.from(
      { length: 3_000 },
      (_, index) => `d${index % 7}/file-${(index * 7_919) % 3_000}`,
    );
    const atOnce = await treeOf(...paths.map((at) => ({ path: at, entry: file(at) })));
    let slowly = await treeOf({ path: 'gone/x', entry: file() });
    for (let from = 0; from < paths.length; from += 500) {
      slowly = await slowly.apply(paths.slice(from, from + 500).map((at) => ({ path: at, entry: file(at) })));
    }
    slowly = await slowly.apply([{ path: 'gone' }, { path: 'd3' }]);
    slowly = await slowly.apply(
      paths.filter((at) => at.startsWith('d3/')).map((at) => ({ path: at, entry: file(at) })),
    );
    expect(await slowly.save()).toBe(await atOnce.save());
  });

  it('reads and writes no more than a few pages for one change among 20,000 files', async () => {
    const store = new MemoryPages();
    const big = await (
      await empty(store)
    ).apply(
      Array.from({ length: 20_000 }, (_, index) => ({ path: `data/${index}.bin`, entry: file(index) })),
    );
    const root = await big.save();
    store.reads = store.writes = 0;
    const opened = await VolumeTree.open(store, root);
    const changed = await opened.apply([{ path: 'data/777.bin', entry: file('new') }]);
    const next = await changed.save();
    expect(store.reads).toBeLessThanOrEqual(3);
    expect(store.writes).toBeLessThanOrEqual(4);
    expect(await (await VolumeTree.open(store, next)).entry('data/777.bin')).toEqual(file('new'));
    expect(await (await VolumeTree.open(store, root)).entry('data/777.bin')).toEqual(file(777));
    expect(changed.entries).toBe(20_001);
    expect(changed.sizeBytes).toBe(200_000);
  });

  it.each([
    '../x',
    'a/../../x',
    'a/\0',
    'line\nbreak',
    `${'n'.repeat(256)}`,
    `${'d/'.repeat(2_100)}x`,
    '\ud800',
    '/',
  ])('refuses the path %j', async (bad) => {
    await expect(treeOf({ path: bad, entry: file() })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it.each([
    ['a', '/etc/passwd'],
    ['a', '..'],
    ['a/b', '../../x'],
    ['a/b', 'c/../../../x'],
    ['a', ''],
  ])('refuses a link %j to %j', async (at, target) => {
    const link: VolumeEntry = { type: 'link', mtimeMs: 1, target };
    await expect(treeOf({ path: at, entry: link })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('keeps links that stay inside', async () => {
    const link: VolumeEntry = { type: 'link', mtimeMs: 1, target: '../c/./d' };
    expect(await (await treeOf({ path: 'a/b', entry: link })).entry('a/b')).toEqual(link);
  });
});

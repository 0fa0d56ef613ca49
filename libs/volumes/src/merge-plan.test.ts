import { describe, expect, it } from 'vitest';

import { directory, file, MemoryPages } from './memory-pages.fixture.ts';
import { mergePlan } from './merge-plan.ts';
import { VolumeTree } from './volume-tree.ts';

async function treeOf(...paths: string[]): Promise<VolumeTree> {
  const tree = await VolumeTree.open(new MemoryPages(), undefined);
  return tree.apply(paths.map((path) => ({ path, entry: file(path) })));
}

async function pathsAfter(tree: VolumeTree, changes: Parameters<typeof mergePlan>[0]): Promise<string[]> {
  const next = await tree.apply(await mergePlan(changes)(tree));
  const paths: string[] = [];
  for await (const { path } of next.walk()) paths.push(path);
  return paths;
}

describe('changes of a copy', () => {
  it('count at their paths, whatever is there now', async () => {
    const tree = await treeOf('a', 'b/c');
    expect(await pathsAfter(tree, [{ path: 'a' }, { path: 'b', entry: file() }])).toEqual(['b']);
  });

  it('remove a directory with all that the copy knew of, and leave one in which others put something', async () => {
    const known = [{ path: 'd' }, { path: 'd/x' }, { path: 'd/e' }, { path: 'd/e/y' }];
    expect(await pathsAfter(await treeOf('d/x', 'd/e/y'), known)).toEqual([]);
    expect(await pathsAfter(await treeOf('d/x', 'd/e/y', 'd/e/new'), known)).toEqual(['d', 'd/e', 'd/e/new']);
  });

  it('remove before they put in place, so that one thing can take the place of another', async () => {
    const tree = await treeOf('d/x');
    const changes = [{ path: 'd', entry: directory }, { path: 'd/y', entry: file() }, { path: 'd/x' }];
    expect(await pathsAfter(tree, changes)).toEqual(['d', 'd/y']);
  });
});

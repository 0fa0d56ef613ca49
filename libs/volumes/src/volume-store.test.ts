import type { VolumeChange, VolumeHead } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { file, MemoryPages } from './memory-pages.fixture.ts';
import { copyPlan, fileAt, removalPlan, uploadPlan } from './plans.ts';
import { type HeadStore, VolumeStore } from './volume-store.ts';

class MemoryHeads implements HeadStore {
  readonly heads = new Map<string, { head: VolumeHead; revision: number }>();
  moves = 0;

  async read(volumeId: string) {
    return this.heads.get(volumeId);
  }

  async move(volumeId: string, head: VolumeHead, revision: number): Promise<boolean> {
    this.moves++;
    await Promise.resolve();
    if (this.heads.get(volumeId)?.revision !== revision) return false;
    this.heads.set(volumeId, { head, revision: revision + 1 });
    return true;
  }
}

const ID = 'vo-1';

function storeOf(heads = new MemoryHeads(), pages = new MemoryPages()): VolumeStore {
  if (!heads.heads.has(ID)) {
    heads.heads.set(ID, { head: { version: 0, entries: 0, sizeBytes: 0, committedAtMs: 0 }, revision: 1 });
  }
  return new VolumeStore({ heads, pages, nowMs: () => 0, pause: () => Promise.resolve(), random: () => 0.5 });
}

const put = (...paths: string[]): VolumeChange[] => paths.map((path) => ({ path, entry: file(path) }));

async function pathsIn(store: VolumeStore): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of (await store.open(ID)).tree.walk()) paths.push(path);
  return paths;
}

describe('commits to a volume', () => {
  it('from many places at once all hold where they are about different paths', async () => {
    const [heads, pages] = [new MemoryHeads(), new MemoryPages()];
    const writers = Array.from({ length: 20 }, () => storeOf(heads, pages));
    const commits = writers.map((writer, index) => writer.commit(ID, () => put(`dir/${index}`)));
    expect(new Set((await Promise.all(commits)).map(({ version }) => version)).size).toBe(20);
    expect(await pathsIn(storeOf(heads, pages))).toHaveLength(21);
    expect(heads.moves).toBeGreaterThan(20);
  });

  it('to the same path leave the last one, whole', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('a'));
    await store.commit(ID, () => [{ path: 'a', entry: file('second') }]);
    expect(await fileAt((await store.open(ID)).tree, '/a')).toEqual(file('second'));
  });

  it('that were decided before a fence are decided anew after it', async () => {
    const [heads, pages] = [new MemoryHeads(), new MemoryPages()];
    const [late, other] = [storeOf(heads, pages), storeOf(heads, pages)];
    let isCutOff = false;
    const commit = late.commit(ID, async () => {
      if (isCutOff) throw new Error('cut off');
      await other.fence(ID);
      isCutOff = true;
      return put('late');
    });
    await expect(commit).rejects.toThrow('cut off');
    expect(await pathsIn(storeOf(heads, pages))).toEqual([]);
  });

  it('that change nothing make no new version', async () => {
    const store = storeOf();
    const first = await store.commit(ID, () => put('a'));
    expect(await store.commit(ID, () => put('a'))).toEqual(first);
    expect(await store.commit(ID, removalPlan('a', { recursive: false }))).toMatchObject({
      version: 2,
      entries: 0,
    });
    expect((await store.open(ID)).head.root).toBeUndefined();
  });

  it('above 500,000 entries are refused with ENOSPC, and change nothing', async () => {
    const store = storeOf();
    const many = Array.from({ length: 500_001 }, (_, index) => ({ path: String(index), entry: file() }));
    await expect(store.commit(ID, () => many)).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      details: { errno: 'ENOSPC' },
    });
    expect(await pathsIn(store)).toEqual([]);
  });

  it('fail where the volume is gone', async () => {
    await expect(storeOf().commit('vo-2', () => [])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('what is put into a volume', () => {
  it('replaces a file only with force, and a directory never', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('a', 'd/x'));
    const upload = (path: string, overwrite: boolean) =>
      store.commit(ID, uploadPlan(put(path), { overwrite }));
    await expect(upload('a', false)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(upload('d', true)).rejects.toMatchObject({ code: 'CONFLICT' });
    await upload('a', true);
    await upload('d/y', false);
    expect(await pathsIn(store)).toEqual(['a', 'd', 'd/x', 'd/y']);
  });

  it.each([true, false])(
    'never makes a directory of a file or a link above it (overwrite: %s)',
    async (overwrite) => {
      const store = storeOf();
      const link: VolumeChange = { path: 'link', entry: { type: 'link', mtimeMs: 1, target: 'd' } };
      await store.commit(ID, () => [...put('a', 'd/x'), link]);
      for (const path of ['a/b', 'a/b/c', 'link/y'])
        await expect(store.commit(ID, uploadPlan(put(path), { overwrite }))).rejects.toMatchObject({
          code: 'CONFLICT',
          details: { path: path.split('/')[0] },
        });
      expect(await pathsIn(store)).toEqual(['a', 'd', 'd/x', 'link']);
    },
  );

  it.each([
    [['a', 'a/b'], 'a'],
    [['a/b/c', 'a'], 'a'],
    [['a/b', 'a/b/c/d'], 'a/b'],
  ])('is not both a file and a directory: %j', async (paths, path) => {
    const store = storeOf();
    const uploaded = store.commit(ID, uploadPlan(put(...paths), { overwrite: true }));
    await expect(uploaded).rejects.toMatchObject({ code: 'CONFLICT', details: { path } });
    expect(await pathsIn(store)).toEqual([]);
  });
});

describe('removing', () => {
  it('takes files, and directories only recursively', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('a', 'd/x', 'd/e/y'));
    await expect(store.commit(ID, removalPlan('d', { recursive: false }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(store.commit(ID, removalPlan('missing', { recursive: true }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await store.commit(ID, removalPlan('d', { recursive: true }));
    expect(await pathsIn(store)).toEqual(['a']);
    await store.commit(ID, removalPlan('/', { recursive: true }));
    expect(await pathsIn(store)).toEqual([]);
  });

  it('takes nothing for an empty path, as of a variable of a script that was not set', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('a'));
    await expect(store.commit(ID, removalPlan('', { recursive: true }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(await pathsIn(store)).toEqual(['a']);
  });
});

describe('copying', () => {
  it('is what cp does, without contents', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('a', 'b', 'd/x'));
    await store.commit(ID, copyPlan(['a'], 'c'));
    await store.commit(ID, copyPlan(['a', '/b'], 'd/'));
    await store.commit(ID, copyPlan(['d'], 'e', { recursive: true }));
    expect(await pathsIn(store)).toEqual(['a', 'b', 'c', 'd', 'd/a', 'd/b', 'd/x', 'e', 'e/a', 'e/b', 'e/x']);
    expect(await fileAt((await store.open(ID)).tree, 'e/b')).toEqual(file('b'));
  });

  it('goes into the directory that a slash at the end of the target says, there or not', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('a', 'b', 'd/x'));
    await store.commit(ID, copyPlan(['a'], 'one/'));
    await store.commit(ID, copyPlan(['a', 'b'], 'two/'));
    await store.commit(ID, copyPlan(['d'], 'two/', { recursive: true }));
    const made = (await pathsIn(store)).filter((path) => /^(?:one|two)/.test(path));
    expect(made).toEqual(['one', 'one/a', 'two', 'two/a', 'two/b', 'two/d', 'two/d/x']);
  });

  it('takes what a link leads to, unless directories are copied as they are', async () => {
    const store = storeOf();
    const link: VolumeChange = { path: 'in/latest', entry: { type: 'link', mtimeMs: 1, target: '../a' } };
    await store.commit(ID, () => [...put('a'), link]);
    await store.commit(ID, copyPlan(['in/latest'], 'copy'));
    await store.commit(ID, copyPlan(['in'], 'out', { recursive: true }));
    const { tree } = await store.open(ID);
    expect([await tree.entry('copy'), await tree.entry('out/latest')]).toEqual([file('a'), link.entry]);
  });

  it.each([
    [['a', 'b'], 'nowhere', 'INVALID_ARGUMENT'],
    [['d'], 'e', 'INVALID_ARGUMENT'],
    [['a'], 'a', 'INVALID_ARGUMENT'],
    [['a'], 'a/', 'CONFLICT'],
    [['x'], 'over', 'CONFLICT'],
  ])('refuses %j to %j', async (sources, target, code) => {
    const store = storeOf();
    await store.commit(ID, () => put('a', 'b', 'd/x', 'x', 'over/x/y'));
    await expect(store.commit(ID, copyPlan(sources, target))).rejects.toMatchObject({ code });
    expect(await pathsIn(store)).toContain('over/x/y');
  });

  it.each(['copy', '/copy/', 'd'])('never puts the whole volume into itself, as %s', async (target) => {
    const store = storeOf();
    await store.commit(ID, () => put('d/x'));
    const copied = store.commit(ID, copyPlan(['/'], target, { recursive: true }));
    await expect(copied).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await pathsIn(store)).toEqual(['d', 'd/x']);
  });

  it('never puts a directory in place of a file', async () => {
    const store = storeOf();
    await store.commit(ID, () => put('d/x', 'file'));
    const copied = store.commit(ID, copyPlan(['d'], 'file', { recursive: true }));
    await expect(copied).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('reading over links', () => {
  it('follows them, also among directories, and ends where they go round', async () => {
    const store = storeOf();
    const link = (path: string, target: string): VolumeChange => ({
      path,
      entry: { type: 'link', mtimeMs: 1, target },
    });
    await store.commit(ID, () => [
      ...put('runs/7/best.bin'),
      link('latest', 'runs/current'),
      link('runs/current', './7'),
      link('best', 'latest/best.bin'),
      link('x', 'y'),
      link('y', 'x'),
      link('in', 'in/deeper'),
    ]);
    const { tree } = await store.open(ID);
    expect(await fileAt(tree, 'best')).toEqual(file('runs/7/best.bin'));
    expect(await fileAt(tree, 'latest/best.bin')).toEqual(file('runs/7/best.bin'));
    for (const path of ['x', 'in/z', 'latest', 'runs']) {
      await expect(fileAt(tree, path)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await expect(fileAt(tree, 'latest/missing')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

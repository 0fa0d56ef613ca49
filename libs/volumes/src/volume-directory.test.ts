import { type Environments, registryKeys, type VolumeHead } from '@gantry/protocol';
import { ANY_ENVIRONMENT } from '@gantry/testing';
import { beforeEach, describe, expect, it } from 'vitest';

import type { VolumeBlobs } from './volume-blobs.ts';
import { VolumeDirectory, type VolumeRegistry } from './volume-directory.ts';
import type { VolumeStore } from './volume-store.ts';

/** A registry whose user is killed after so many changes. */
class MemoryRegistry implements VolumeRegistry {
  readonly entries = new Map<string, { value: unknown; revision: number }>();
  changesLeft = Infinity;
  #revision = 0;

  async get<T>(key: string) {
    return this.entries.get(key) as { value: T; revision: number } | undefined;
  }

  async create(key: string, value: unknown): Promise<boolean> {
    if (this.entries.has(key)) return false;
    this.#change();
    this.entries.set(key, { value, revision: ++this.#revision });
    return true;
  }

  async put(key: string, value: unknown): Promise<void> {
    this.#change();
    this.entries.set(key, { value, revision: ++this.#revision });
  }

  async delete(key: string): Promise<void> {
    this.#change();
    this.entries.delete(key);
  }

  async list<T>(pattern: string) {
    const prefix = pattern.slice(0, -1);
    return [...this.entries]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, { value }]) => ({ value: value as T }));
  }

  #change(): void {
    if (this.changesLeft-- <= 0) throw new Error('killed');
  }
}

describe('what a killed server left half done with a volume is done when it is asked for again', () => {
  let registry: MemoryRegistry;
  let directory: VolumeDirectory;
  beforeEach(() => {
    registry = new MemoryRegistry();
    directory = new VolumeDirectory({
      registry,
      environments: ANY_ENVIRONMENT as Environments,
      store: {} as VolumeStore,
      blobs: {} as VolumeBlobs,
      pause: () => Promise.resolve(),
    });
  });

  const create = (name: string) => directory.create('main', name, { mustBeNew: false });
  const names = async () => (await directory.list('main')).map(({ name }) => name);
  const isNobodys = (name: string) =>
    expect(directory.find('main', name)).rejects.toMatchObject({ code: 'NOT_FOUND' });

  /** Does something with a killed server in the middle, after each number of changes that it makes, and then again. */
  async function killedAndAgain(changes: number, act: () => Promise<unknown>): Promise<void> {
    registry.changesLeft = changes;
    await act().catch(() => undefined);
    registry.changesLeft = Infinity;
    await act().catch((error: { code?: string }) => {
      // It may have been done before.
      if (error.code !== 'NOT_FOUND') throw error;
    });
  }

  it.each([0, 1, 2, 3])('made, after %i changes', async (changes) => {
    await killedAndAgain(changes, () => create('a'));
    expect(await names()).toEqual(['a']);
    const { id } = await directory.find('main', 'a');
    expect(await registry.get<VolumeHead>(registryKeys.volumeHead(id))).toBeDefined();
    await directory.delete('main', 'a');
    expect(await names()).toEqual([]);
  });

  it.each([0, 1, 2, 3])('renamed, after %i changes', async (changes) => {
    const { id } = await create('a');
    await killedAndAgain(changes, () => directory.rename('main', 'a', 'b'));
    expect(await names()).toEqual(['b']);
    expect((await directory.find('main', 'b')).id).toBe(id);
    await isNobodys('a');
    expect((await create('a')).id).not.toBe(id);
  });

  it.each([0, 1, 2, 3])('renamed after %i changes, then deleted: neither name is taken', async (changes) => {
    const { id } = await create('a');
    registry.changesLeft = changes;
    await directory.rename('main', 'a', 'b').catch(() => undefined);
    registry.changesLeft = Infinity;
    await directory.delete('main', 'a').catch(() => directory.delete('main', 'b'));
    expect(await names()).toEqual([]);
    expect(await registry.get(registryKeys.volumeHead(id))).toBeUndefined();
    for (const name of ['a', 'b']) {
      await isNobodys(name);
      const made = await create(name);
      const head = await registry.get<VolumeHead>(registryKeys.volumeHead(made.id));
      expect(head?.value.version).toBe(0);
    }
    expect(await names()).toEqual(['a', 'b']);
  });

  it.each([0, 1, 2, 3])('deleted, after %i changes', async (changes) => {
    await create('a');
    await killedAndAgain(changes, () => directory.delete('main', 'a'));
    expect(await names()).toEqual([]);
    await create('a');
    expect(await names()).toEqual(['a']);
  });
});

import type { CollectionRecord } from '@gantry/protocol';
import { ANY_ENVIRONMENT } from '@gantry/testing';
import { beforeEach, describe, expect, it } from 'vitest';

import { MemoryRegistry } from '../testing/memory-registry.ts';
import { CollectionDirectory } from './collection-directory.ts';

describe('what a killed server left half done with a dict is done when it is asked for again', () => {
  let registry: MemoryRegistry;
  let directory: CollectionDirectory;
  beforeEach(() => {
    registry = new MemoryRegistry();
    directory = new CollectionDirectory(registry, ANY_ENVIRONMENT);
  });

  const create = () => directory.create('dict', 'main', 'a');
  const remove = async () => directory.delete(await directory.findToDelete('dict', 'main', 'a'));
  const names = async () => (await directory.all()).map(({ name }) => name);

  /** Nothing of what comes after so many changes is carried out. */
  async function killedAfter(changes: number, act: () => Promise<unknown>): Promise<void> {
    registry.writes = 0;
    registry.fateOf = (write) => (write < changes ? 'done' : 'lost');
    await act().catch(() => undefined);
    registry.fateOf = () => 'done';
  }

  it.each([0, 1, 2])('made, after %i changes', async (changes) => {
    await killedAfter(changes, create);
    const made: CollectionRecord = await create();
    expect(await names()).toEqual(['a']);
    expect(await directory.find('dict', 'main', 'a')).toEqual(made);
    await remove();
    expect(await names()).toEqual([]);
  });

  it.each([0, 1, 2])('deleted, after %i changes', async (changes) => {
    const { id } = await create();
    await killedAfter(changes, remove);
    await remove().catch((error: { code?: string }) => {
      // It may have been done before.
      if (error.code !== 'NOT_FOUND') throw error;
    });
    expect(await names()).toEqual([]);
    expect((await create()).id).not.toBe(id);
  });

  it('is one dict, whoever makes it at the same time', async () => {
    const made = await Promise.all([create(), create(), create()]);
    expect(new Set(made.map(({ id }) => id)).size).toBe(1);
    expect(await names()).toEqual(['a']);
  });
});

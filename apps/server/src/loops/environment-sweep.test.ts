import type { EnvironmentsRecord } from '@gantry/protocol';
import { beforeEach, expect, it, vi } from 'vitest';

import { sweepDeletedEnvironments } from './environment-sweep.ts';

const NOW_MS = 3_600_000;
const MINUTE_MS = 60_000;
const MAIN = { id: 'main', name: 'main', webSuffix: '', createdAtMs: 0 };

const remove = vi.fn(async () => undefined);
const removeAllOf = vi.fn(async () => undefined);
const update = vi.fn(async () => true);

beforeEach(() => {
  for (const mock of [remove, removeAllOf, update]) mock.mockReset();
  update.mockResolvedValue(true);
});

function sweep(deleted: EnvironmentsRecord['deleted']): Promise<number> {
  const value = { environments: [MAIN], deleted };
  const environments = { deleted: () => deleted, refresh: async () => ({ value, revision: 7 }) };
  const parts = { objects: { remove }, collections: { removeAllOf }, messaging: { registry: { update } } };
  return sweepDeletedEnvironments({ ...parts, environments }, NOW_MS);
}

const young = { id: 'en-1', name: 'young', deletedAtMs: NOW_MS - MINUTE_MS };
const old = { id: 'en-2', name: 'old', deletedAtMs: NOW_MS - 11 * MINUTE_MS };

it('asks for nothing while no environment was deleted', async () => {
  expect(await sweep([])).toBe(0);
  expect(remove).not.toHaveBeenCalled();
});

it('removes what got into deleted environments, and forgets those in which nothing can get any more', async () => {
  expect(await sweep([young, old])).toBe(1);
  expect(remove.mock.calls).toEqual([
    ['en-1', 'the environment "young" was deleted'],
    ['en-2', 'the environment "old" was deleted'],
  ]);
  expect(removeAllOf.mock.calls).toEqual([['en-1'], ['en-2']]);
  expect(update).toHaveBeenCalledWith('environments', { environments: [MAIN], deleted: [young] }, 7);
});

it('forgets none that could not be emptied, and leaves what somebody else changes to the next time', async () => {
  update.mockResolvedValue(false);
  expect(await sweep([old])).toBe(0);
  remove.mockRejectedValue(new Error('the registry is away'));
  update.mockClear();
  await expect(sweep([old])).rejects.toThrow('the registry is away');
  expect(update).not.toHaveBeenCalled();
});

import { ResourceExhaustedError } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { PendingLimit } from './pending-limit.ts';

function limitOver(waiting: { now: number; running?: number }) {
  const looks: string[] = [];
  const clock = { nowMs: 0 };
  const limit = new PendingLimit(
    async (pool) => {
      looks.push(pool);
      return { waiting: waiting.now, delivered: waiting.running ?? 0 };
    },
    () => clock.nowMs,
  );
  return { limit, looks, clock };
}

/** Admits inputs that are in the queue at once. */
async function admitStored(limit: PendingLimit, inputs: number, most: number): Promise<void> {
  const admission = await limit.admit('p', inputs, most);
  for (let stored = 0; stored < inputs; stored++) admission.stored();
}

describe('PendingLimit', () => {
  it('admits without looking while its own count is below the limit', () => {
    const { limit, looks } = limitOver({ now: 0 });
    expect(limit.admit('p', 60, 100)).not.toBeInstanceOf(Promise);
    expect(limit.admit('p', 40, 100)).not.toBeInstanceOf(Promise);
    expect(looks).toEqual([]);
  });

  it('looks when its count reaches the limit, and goes on when the pool has kept up', async () => {
    const { limit, looks } = limitOver({ now: 5 });
    await admitStored(limit, 100, 100);
    await admitStored(limit, 50, 100);
    expect(looks).toEqual(['p']);
    expect(limit.admit('p', 45, 100)).not.toBeInstanceOf(Promise);
  });

  it('counts what was admitted and is not in the queue yet, however often it looks there', async () => {
    const waiting = { now: 0 };
    const { limit, clock } = limitOver(waiting);
    const first = await limit.admit('p', 100, 100);
    await expect(limit.admit('p', 1, 100)).rejects.toThrow('100 inputs wait already');
    for (let stored = 0; stored < 60; stored++) first.stored();
    first.dropped(40);
    waiting.now = 60;
    clock.nowMs = 1_000;
    await limit.admit('p', 40, 100);
    await expect(limit.admit('p', 1, 100)).rejects.toBeInstanceOf(ResourceExhaustedError);
  });

  it('rejects what does not fit, and does not look again at once', async () => {
    const waiting = { now: 100 };
    const { limit, looks, clock } = limitOver(waiting);
    await admitStored(limit, 100, 100);
    clock.nowMs = 1_000;
    await expect(limit.admit('p', 1, 100)).rejects.toBeInstanceOf(ResourceExhaustedError);
    clock.nowMs = 1_100;
    await expect(limit.admit('p', 1, 100)).rejects.toBeInstanceOf(ResourceExhaustedError);
    expect(looks).toHaveLength(1);
    waiting.now = 0;
    clock.nowMs = 1_400;
    await admitStored(limit, 1, 100);
    expect(looks).toHaveLength(2);
  });

  it('asks once for callers that come together', async () => {
    const { limit, looks } = limitOver({ now: 0 });
    await admitStored(limit, 100, 100);
    await Promise.all([1, 2, 3].map(() => admitStored(limit, 10, 100)));
    expect(looks).toHaveLength(1);
  });

  it('counts what runs, too: 25,000 in all, except for calls that may wait deeper', async () => {
    const backlog = { now: 1_000, running: 23_990 };
    const { limit, clock } = limitOver(backlog);
    await admitStored(limit, 2_000, 2_000);
    clock.nowMs = 1_000;
    await expect(limit.admit('p', 11, 2_000)).rejects.toThrow('24990 inputs wait or run already, 25000 may');
    await admitStored(limit, 10, 2_000);
    await admitStored(limit, 5_000, 1_000_000);
  });
});

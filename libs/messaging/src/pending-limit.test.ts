import { ResourceExhaustedError } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { PendingLimit } from './pending-limit.ts';

function limitOver(waiting: { now: number; running?: number; pools?: number }) {
  const looks: string[] = [];
  const clock = { nowMs: 0 };
  const limit = new PendingLimit(
    async (functionId) => {
      looks.push(functionId);
      return { waiting: waiting.now, delivered: waiting.running ?? 0, pools: waiting.pools ?? 1 };
    },
    () => clock.nowMs,
  );
  return { limit, looks, clock };
}

/** Admits inputs that are in the queue at once. */
async function admitStored(limit: PendingLimit, inputs: number, most: number): Promise<void> {
  const admission = await limit.admit('f', inputs, most);
  for (let stored = 0; stored < inputs; stored++) admission.stored();
}

describe('PendingLimit', () => {
  it('admits without looking while its own count is below the limit', () => {
    const { limit, looks } = limitOver({ now: 0 });
    expect(limit.admit('f', 60, 100)).not.toBeInstanceOf(Promise);
    expect(limit.admit('f', 40, 100)).not.toBeInstanceOf(Promise);
    expect(looks).toEqual([]);
  });

  it('looks when its count reaches the limit, and goes on when the function has kept up', async () => {
    const { limit, looks } = limitOver({ now: 5 });
    await admitStored(limit, 100, 100);
    await admitStored(limit, 50, 100);
    expect(looks).toEqual(['f']);
    expect(limit.admit('f', 45, 100)).not.toBeInstanceOf(Promise);
  });

  it('counts what was admitted and is not in the queue yet, however often it looks there', async () => {
    const waiting = { now: 0 };
    const { limit, clock } = limitOver(waiting);
    const first = await limit.admit('f', 100, 100);
    await expect(limit.admit('f', 1, 100)).rejects.toThrow('100 inputs of the function wait already');
    for (let stored = 0; stored < 60; stored++) first.stored();
    first.dropped(40);
    waiting.now = 60;
    clock.nowMs = 1_000;
    await limit.admit('f', 40, 100);
    await expect(limit.admit('f', 1, 100)).rejects.toBeInstanceOf(ResourceExhaustedError);
  });

  it('rejects what does not fit, and does not look again at once', async () => {
    const waiting = { now: 100 };
    const { limit, looks, clock } = limitOver(waiting);
    await admitStored(limit, 100, 100);
    clock.nowMs = 1_000;
    await expect(limit.admit('f', 1, 100)).rejects.toBeInstanceOf(ResourceExhaustedError);
    clock.nowMs = 1_100;
    await expect(limit.admit('f', 1, 100)).rejects.toBeInstanceOf(ResourceExhaustedError);
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

  it('sees what other processes add, without letting a caller wait for it', async () => {
    const waiting = { now: 0 };
    const { limit, looks, clock } = limitOver(waiting);
    await admitStored(limit, 250, 2_000);
    expect(looks).toEqual([]);
    waiting.now = 1_900;
    expect(limit.admit('f', 1, 2_000)).not.toBeInstanceOf(Promise);
    await new Promise(setImmediate);
    expect(looks).toHaveLength(1);
    await expect(limit.admit('f', 100, 2_000)).rejects.toThrow('1901 inputs of the function wait already');
    clock.nowMs = 300;
    await expect(limit.admit('f', 100, 2_000)).rejects.toBeInstanceOf(ResourceExhaustedError);
  });

  it('looks rarely while inputs come in, more rarely at a function with many pools', async () => {
    const { limit, looks, clock } = limitOver({ now: 0, pools: 500 });
    const looksAfter = async (passedMs: number): Promise<number> => {
      clock.nowMs += passedMs;
      await admitStored(limit, 300, 1_000_000);
      await admitStored(limit, 300, 1_000_000);
      await new Promise(setImmediate);
      return looks.length;
    };
    expect(await looksAfter(0)).toBe(1);
    expect(await looksAfter(1_000)).toBe(1);
    expect(await looksAfter(250)).toBe(2);
  });

  it('counts what runs, too: 25,000 in all, except for calls that may wait deeper', async () => {
    const backlog = { now: 1_000, running: 23_990 };
    const { limit, clock } = limitOver(backlog);
    await admitStored(limit, 2_000, 2_000);
    clock.nowMs = 1_000;
    await expect(limit.admit('f', 11, 2_000)).rejects.toThrow(
      '24990 inputs of the function wait or run already, 25000 may',
    );
    await admitStored(limit, 10, 2_000);
    await admitStored(limit, 5_000, 1_000_000);
  });
});

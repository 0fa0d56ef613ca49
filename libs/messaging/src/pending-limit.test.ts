import { ResourceExhaustedError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type Admission, PendingLimit } from './pending-limit.ts';

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

/** With what inputs are refused, after all the waiting for others that are under way. */
async function refusal(limit: PendingLimit, inputs: number, most: number): Promise<unknown> {
  const failed = Promise.resolve(limit.admit('f', inputs, most)).then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(10_000);
  return failed;
}

describe('PendingLimit', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

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
    await expect(refusal(limit, 1, 100)).resolves.toBeInstanceOf(ResourceExhaustedError);
  });

  it('counts an input once that the queue holds before its sender knows it', async () => {
    const waiting = { now: 0 };
    const { limit, looks } = limitOver(waiting);
    await admitStored(limit, 250, 2_000);
    waiting.now = 279;
    const underWay = await limit.admit('f', 1_721, 2_000);
    await new Promise(setImmediate);
    expect(looks).toHaveLength(1);
    const last = limit.admit('f', 29, 2_000);
    waiting.now = 1_971;
    for (let stored = 0; stored < 1_721; stored++) underWay.stored();
    const admission = await last;
    await expect(refusal(limit, 1, 2_000)).resolves.toBeInstanceOf(ResourceExhaustedError);
    waiting.now = 2_000;
    for (let stored = 0; stored < 29; stored++) admission.stored();
    await expect(limit.admit('f', 1, 2_000)).rejects.toThrow('2000 inputs of the function wait already');
  });

  it('does not keep a caller waiting for what others never stop adding', async () => {
    const { limit } = limitOver({ now: 60 });
    await admitStored(limit, 60, 1_000_000);
    await limit.admit('f', 50, 1_000_000);
    await expect(refusal(limit, 1, 100)).resolves.toMatchObject({
      message: expect.stringContaining('110 inputs of the function wait already') as string,
    });
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
    const one = limit.admit('f', 1, 2_000) as Admission;
    one.stored();
    await new Promise(setImmediate);
    expect(looks).toHaveLength(1);
    await expect(limit.admit('f', 101, 2_000)).rejects.toThrow('1900 inputs of the function wait already');
    clock.nowMs = 300;
    await expect(limit.admit('f', 101, 2_000)).rejects.toBeInstanceOf(ResourceExhaustedError);
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

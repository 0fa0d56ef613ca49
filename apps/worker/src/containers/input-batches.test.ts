import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { AssignedInput } from '../inputs/assigned-input.ts';
import { NotedDelivery } from '../inputs/input-doubles.ts';
import { InputBatches } from './input-batches.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const input = (): AssignedInput => new AssignedInput(new NotedDelivery({}, 1), 0);

function batchesOf(maxBatchSize: number, waitMs: number) {
  const runs: number[] = [];
  const short: number[] = [];
  const batches = new InputBatches({
    batching: { maxBatchSize, waitMs },
    run: (inputs) => runs.push(inputs.length),
    onShort: () => short.push(1),
  });
  return { batches, runs, short };
}

describe('the batches of a container', () => {
  it('close when they are full', () => {
    const { batches, runs, short } = batchesOf(2, 100);
    for (let count = 0; count < 4; count++) batches.add(input());
    expect(runs).toEqual([2, 2]);
    expect(short).toEqual([]);
  });

  it('close waitMs after their first input, which later ones do not prolong', () => {
    const { batches, runs, short } = batchesOf(9, 100);
    batches.add(input());
    vi.advanceTimersByTime(60);
    batches.add(input());
    vi.advanceTimersByTime(39);
    expect(runs).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(runs).toEqual([2]);
    expect(short).toEqual([1]);
  });

  it('take one place each, until the last of their inputs has left', () => {
    const { batches } = batchesOf(2, 100);
    const [one, two] = [input(), input()];
    expect(batches.free(1)).toBe(2);
    batches.add(one);
    expect(batches.free(1)).toBe(1);
    batches.add(two);
    expect(batches.free(1)).toBe(0);
    expect(batches.free(2)).toBe(2);
    batches.leave(one);
    expect(batches.free(1)).toBe(0);
    batches.leave(two);
    expect(batches.free(1)).toBe(2);
  });

  it('do not run for nobody', () => {
    const { batches, runs } = batchesOf(3, 100);
    const only = input();
    batches.add(only);
    batches.leave(only);
    vi.advanceTimersByTime(500);
    batches.flush();
    expect(runs).toEqual([]);
    expect(batches.free(1)).toBe(3);
  });
});

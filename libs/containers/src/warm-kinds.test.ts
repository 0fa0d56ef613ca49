import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { Container } from './container-driver.ts';
import { WarmKinds } from './warm-kinds.ts';

interface Kind {
  name: string;
}

class WaitingContainer {
  readonly name: string;
  isKilled = false;
  readonly exited = new Promise<never>(() => undefined);

  constructor({ name }: Kind) {
    this.name = name;
  }

  kill(): void {
    this.isKilled = true;
  }
}

type Started = WaitingContainer & Container;

const MINUTE_MS = 60_000;
const GIB = 1024 ** 3;

let started: Started[];
let freeBytes: number;

function kinds(count = 1): WarmKinds<Kind, Started> {
  const spawn = (kind: Kind): Promise<Started> => {
    const container = new WaitingContainer(kind) as Started;
    started.push(container);
    return Promise.resolve(container);
  };
  return new WarmKinds({ count, spawn, readFreeBytes: () => freeBytes });
}

const waiting = (): string[] => started.filter(({ isKilled }) => !isKilled).map(({ name }) => name);

beforeEach(() => {
  vi.useFakeTimers();
  started = [];
  freeBytes = 8 * GIB;
});
afterEach(() => void vi.useRealTimers());

it('one of a kind waits from the moment on at which that was asked for, and is taken once', async () => {
  const warm = kinds();
  expect(warm.take({ name: 'a' })).toBeUndefined();
  warm.refill();
  await vi.advanceTimersByTimeAsync(0);
  expect(warm.take({ name: 'b' })).toBeUndefined();
  expect(warm.take({ name: 'a' })).toBe(started[0]);
  expect(warm.take({ name: 'a' })).toBeUndefined();
  warm.close();
});

it('the last three kinds wait, each for ten minutes', async () => {
  const warm = kinds();
  for (const name of ['a', 'b', 'a', 'c', 'd']) {
    warm.take({ name });
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
  }
  expect(waiting().filter((name) => name !== 'a')).toEqual(['c', 'd']);
  await vi.advanceTimersByTimeAsync(6.5 * MINUTE_MS);
  warm.take({ name: 'c' });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  // Those of "a" that nobody took are among the ended.
  expect(new Set(started.filter(({ isKilled }) => isKilled).map(({ name }) => name))).toEqual(
    new Set(['a', 'b']),
  );
  warm.close();
});

it('where memory is short none waits, and none is started', async () => {
  const warm = kinds();
  warm.take({ name: 'a' });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(waiting()).toEqual(['a']);
  freeBytes = GIB / 2;
  warm.take({ name: 'b' });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(waiting()).toEqual([]);
  expect(started).toHaveLength(1);
});

it('with a pool of none nothing waits', async () => {
  const warm = kinds(0);
  expect(warm.take({ name: 'a' })).toBeUndefined();
  warm.refill();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(started).toEqual([]);
});

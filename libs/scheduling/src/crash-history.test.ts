import type { ContainerExit, ContainerStatus } from '@gantry/protocol';
import { beforeEach, describe, expect, it } from 'vitest';

import { CrashHistory } from './crash-history.ts';
import { worker } from './scheduler.fixture.ts';

let history: CrashHistory;
let nowMs: number;

beforeEach(() => {
  history = new CrashHistory();
  nowMs = 0;
});

function ended(changes: Partial<ContainerStatus>, reason: ContainerExit['reason']): ContainerStatus {
  const exit = { reason, code: 1, signal: null, message: 'why' };
  return worker([{ state: 'stopped', exit, ...changes }]).containers[0] as ContainerStatus;
}

/** Lets containers be started and end one after the other; returns the pauses after each. */
function pausesAfter(times: number, changes: Partial<ContainerStatus>, reason: ContainerExit['reason']) {
  return Array.from({ length: times }, () => {
    history.observeEnd(ended(changes, reason), nowMs, (nowMs += 10));
    const endedAtMs = nowMs;
    while (nowMs < history.mayStartMs) nowMs += 500;
    return nowMs - endedAtMs;
  });
}

const LOADING = { readyAtMs: undefined };

describe('the pause before the next container', () => {
  it('doubles with each one that does not load, up to a minute, until one loads', () => {
    const pauses = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    expect(pausesAfter(8, LOADING, 'loadFailed')).toEqual(pauses);
    history.observeReady();
    expect(history.mayStartMs).toBeLessThanOrEqual(nowMs - 60_000);
    expect(pausesAfter(1, LOADING, 'crashed')).toEqual([1_000]);
  });

  it('comes after three crashes of running containers, until one was of use', () => {
    expect(pausesAfter(6, {}, 'crashed')).toEqual([0, 0, 0, 1_000, 2_000, 4_000]);
    history.observeReady();
    expect(pausesAfter(1, {}, 'outOfMemory')).toEqual([8_000]);
    history.observeProven();
    expect(pausesAfter(2, {}, 'heartbeat')).toEqual([0, 0]);
  });

  it('stays short while inputs are found to be to blame', () => {
    const exit = { reason: 'crashed', code: 1, signal: null, inputFailed: true } as const;
    const pauses = Array.from({ length: 3 }, () => [
      ...pausesAfter(3, {}, 'crashed'),
      ...pausesAfter(1, { exit }, 'crashed'),
    ]);
    expect(pauses).toEqual([
      [0, 0, 0, 0],
      [0, 1_000, 2_000, 0],
      [0, 1_000, 2_000, 0],
    ]);
  });

  it.each([
    ['was of use', { proven: true }, 'crashed'],
    ['was stopped', LOADING, 'stopped'],
    ['was preempted', LOADING, 'preempted'],
    ['was killed', {}, 'killed'],
    ['had an input beyond its time', {}, 'timeout'],
  ] as const)('is none after one that %s', (_, changes, reason) => {
    expect(pausesAfter(9, changes, reason)).toEqual(Array(9).fill(0));
  });

  it('counts one of those that were started side by side', () => {
    for (let container = 0; container < 5; container++) {
      history.observeEnd(ended(LOADING, 'loadFailed'), 0, 10 + container);
    }
    expect(history.mayStartMs).toBeLessThanOrEqual(1_100);
  });
});

it('matters for ten minutes after the last failure', () => {
  expect(history.matters(0)).toBe(false);
  pausesAfter(1, LOADING, 'loadFailed');
  expect([history.matters(nowMs + 590_000), history.matters(nowMs + 600_000)]).toEqual([true, false]);
});

it('a loop is told from the second pause on, once per failure', () => {
  pausesAfter(1, LOADING, 'loadFailed');
  expect(history.loop).toBeUndefined();
  history.observeEnd(ended(LOADING, 'loadFailed'), nowMs, nowMs);
  const loop = { failures: 2, message: 'why', nextStartAtMs: nowMs + 2_000 };
  expect([history.loop, history.takeLoop(), history.takeLoop()]).toEqual([loop, loop, undefined]);
  history.observeReady();
  expect(history.loop).toBeUndefined();
});

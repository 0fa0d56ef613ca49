import type { DemandMessage } from '@gantry/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { DemandSignal } from './demand-signal.ts';

const TARGET = { pool: 'fu-1', functionId: 'fu-1', parameters: {} };
let sent: DemandMessage[];
let signal: DemandSignal;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  signal = new DemandSignal({ publish: (_subject, message) => sent.push(message) });
});

afterEach(() => {
  signal.close();
  vi.useRealTimers();
});

const waiting = () => sent.map(({ waitingRequests }) => waitingRequests);

test('the first request that waits is told at once', () => {
  signal.set(TARGET, 1);
  expect(sent).toEqual([
    { ...TARGET, inputs: 0, waitingRequests: 1, from: expect.stringMatching(/^gateway-/) },
  ]);
});

test('many changes in a row become few messages', () => {
  for (let n = 1; n <= 10; n++) signal.set(TARGET, n);
  vi.advanceTimersByTime(50);
  expect(waiting()).toEqual([1, 10]);
});

test('it is repeated every second while requests wait', () => {
  signal.set(TARGET, 2);
  vi.advanceTimersByTime(3_000);
  expect(waiting()).toEqual([2, 2, 2, 2]);
});

test('the end of the wait is told once', () => {
  signal.set(TARGET, 1);
  signal.set(TARGET, 0);
  vi.advanceTimersByTime(5_000);
  expect(waiting()).toEqual([1, 0]);
});

test('nothing is told where nothing waits', () => {
  signal.set(TARGET, 0);
  expect(sent).toEqual([]);
});

test('a pool of an old version is mentioned once a second at most, and nothing is said to wait', () => {
  signal.mention(TARGET);
  signal.mention(TARGET);
  vi.advanceTimersByTime(1_000);
  signal.mention(TARGET);
  expect(waiting()).toEqual([0, 0]);
});

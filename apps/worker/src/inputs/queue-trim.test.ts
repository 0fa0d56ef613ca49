import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { silentLog } from './input-doubles.ts';
import { QueueTrim } from './queue-trim.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('many acknowledgements of a pool cost one trim a second', async () => {
  const trim = vi.fn(async (_pool: string) => 0);
  const queue = new QueueTrim({ trim }, silentLog);
  for (let i = 0; i < 1_000; i++) queue.acknowledged('fu-a');
  queue.acknowledged('fu-b');

  await vi.advanceTimersByTimeAsync(5_000);

  expect(trim.mock.calls.map(([pool]) => pool)).toEqual(['fu-a', 'fu-b']);
});

test('a pool with inputs under way is looked at again', async () => {
  const underWay = [3, 1, 0];
  const trim = vi.fn(async (_pool: string) => underWay.shift() ?? 0);
  const queue = new QueueTrim({ trim }, silentLog);
  queue.acknowledged('fu-a');

  await vi.advanceTimersByTimeAsync(10_000);

  expect(trim).toHaveBeenCalledTimes(3);
});

test('what could not be trimmed is trimmed with what comes next', async () => {
  const trim = vi.fn(async (_pool: string) => 0);
  trim.mockRejectedValueOnce(new Error('no broker'));
  const queue = new QueueTrim({ trim }, silentLog);
  queue.acknowledged('fu-a');
  await vi.advanceTimersByTimeAsync(1_000);
  queue.acknowledged('fu-a');
  await vi.advanceTimersByTimeAsync(1_000);

  expect(trim).toHaveBeenCalledTimes(2);
});

test('closing trims what is due', async () => {
  const trim = vi.fn(async (_pool: string) => 0);
  const queue = new QueueTrim({ trim }, silentLog);
  queue.acknowledged('fu-a');

  await queue.close();

  expect(trim).toHaveBeenCalledOnce();
});

import { expect, it } from 'vitest';

import { CancelledCalls } from './cancelled-calls.ts';
import { StillClock } from './input-doubles.ts';

it('remembers cancelled calls for a few minutes', () => {
  const clock = new StillClock();
  const calls = new CancelledCalls(clock);
  calls.add('fc-1');
  expect([calls.has('fc-1'), calls.has('fc-2')]).toEqual([true, false]);
  clock.nowMs += 6 * 60_000;
  calls.add('fc-2');
  expect([calls.has('fc-1'), calls.has('fc-2')]).toEqual([false, true]);
});

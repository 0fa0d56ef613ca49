import { expect, it } from 'vitest';

import { CrashedInputs } from './crashed-inputs.ts';
import { StillClock } from './input-doubles.ts';

it('counts the crashes of each input, and forgets them an hour after the last', () => {
  const clock = new StillClock();
  const told: string[] = [];
  const crashes = new CrashedInputs(clock, (inputId) => told.push(inputId));
  expect([crashes.add('in-1'), crashes.add('in-2'), crashes.add('in-1')]).toEqual([1, 1, 2]);
  clock.nowMs += 40 * 60_000;
  crashes.note('in-1');
  expect(told).toEqual(['in-1']);
  clock.nowMs += 40 * 60_000;
  crashes.add('in-3');
  expect(['in-1', 'in-2', 'in-3'].map((inputId) => crashes.count(inputId))).toEqual([3, 0, 1]);
});

import { expect, it } from 'vitest';

import { AssignedInput } from '../inputs/assigned-input.ts';
import { NotedDelivery } from '../inputs/input-doubles.ts';
import { Isolation } from './isolation.ts';

it('lets an input begin once the others have ended, and another one follow it', () => {
  const begun: AssignedInput[] = [];
  const isolation = new Isolation((input) => begun.push(input));
  const [first, second] = [
    new AssignedInput(new NotedDelivery({ inputId: 'in-1' }), 0),
    new AssignedInput(new NotedDelivery({ inputId: 'in-2' }), 0),
  ];
  isolation.take(first, 2);
  isolation.beginIfAlone(1);
  expect([begun, isolation.isOn, isolation.waits(first)]).toEqual([[], true, true]);
  isolation.beginIfAlone(0);
  isolation.beginIfAlone(0);
  expect([begun, isolation.isOn, isolation.waits(first)]).toEqual([[first], true, false]);
  isolation.leave(second);
  expect(isolation.isOn).toBe(true);
  isolation.leave(first);
  expect(isolation.isOn).toBe(false);
  isolation.take(second, 0);
  expect(begun).toEqual([first, second]);
});

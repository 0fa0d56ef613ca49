import { expect, test } from 'vitest';

import { faultRounds } from './fault-rounds.ts';

test('faults are drawn from one seed, a few rounds of them, unless the environment says otherwise', () => {
  expect(faultRounds(4, {})).toMatchObject({
    rounds: 4,
    again: 'GANTRY_FAULTS_SEED=1 GANTRY_FAULT_ROUNDS=4',
  });
  const env = { GANTRY_FAULT_ROUNDS: '300', GANTRY_FAULTS_SEED: '7' };
  const [one, two] = [faultRounds(4, env), faultRounds(4, env)];
  expect(one.rounds).toBe(300);
  expect(one.random.next()).toBe(two.random.next());
  expect(one.random.next()).not.toBe(faultRounds(4, {}).random.next());
});

test('a number of rounds that is none is refused', () => {
  expect(() => faultRounds(4, { GANTRY_FAULT_ROUNDS: 'many' })).toThrow('"many"');
});

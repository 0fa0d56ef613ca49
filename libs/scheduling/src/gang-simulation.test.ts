import fc from 'fast-check';
import { expect, it } from 'vitest';

import { GangSimulation } from './gang-simulation.fixture.ts';
import { random } from './simulation.fixture.ts';

const SIMULATION_MS = 120_000;

it(
  'starts gangs whole and in one region, serves all of them one after the other, and leaves no half behind, whatever dies',
  () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const simulation = new GangSimulation(random(seed));
        for (let i = 0; i < 400; i++) simulation.step(true);
        for (const machine of simulation.machines.values()) machine.alive = true;
        for (let i = 0; i < 1_500; i++) simulation.step(false);
        for (const { waiting, served, submitted } of simulation.functions) {
          expect({ waiting, served }).toEqual({ waiting: 0, served: submitted });
        }
        expect(simulation.halves).toEqual([]);
        expect(simulation.containers).toBe(0);
      }),
      { numRuns: 30, seed: 17 },
    );
  },
  SIMULATION_MS,
);

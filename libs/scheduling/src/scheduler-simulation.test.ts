import fc from 'fast-check';
import { expect, it } from 'vitest';

import { Simulation } from './simulation.fixture.ts';

/** Thousands of decisions; how long they take says nothing on a machine that is busy with other tests. */
const SIMULATION_MS = 120_000;
/** Two seconds: an idle container is stopped, its end reported, another one asked for. */
const STARVED_AT_MOST_STEPS = 40;

it(
  'keeps its limits at every moment and serves everything, whatever machines do',
  () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const simulation = new Simulation(seed, {
          functions: 6,
          workers: 3,
          cpu: 4,
          scaledownWindowMs: 2_000,
          lostCommands: 0.02,
          redeploys: true,
        });
        for (let i = 0; i < 400; i++) simulation.step(true);
        for (const worker of simulation.workers.values()) worker.alive = true;
        for (let i = 0; i < 2_000; i++) simulation.step(false);
        for (const { record, waiting, served, submitted } of simulation.functions) {
          expect({ waiting, served }).toEqual({ waiting: 0, served: submitted });
          expect(simulation.live(record.id).length).toBe(record.spec.options.minContainers);
        }
      }),
      { numRuns: 40, seed: 7 },
    );
  },
  SIMULATION_MS,
);

it(
  'serves a pool without containers soon whenever there is room or somebody idle, on machines that are too small',
  () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const simulation = new Simulation(seed, {
          functions: 7,
          workers: 1,
          cpu: 2,
          scaledownWindowMs: 600_000,
        });
        // Four places for seven functions, of which at most three keep one.
        fc.pre(simulation.functions.filter(({ record }) => record.spec.options.minContainers).length <= 3);
        const steps = new Map<string, number>();
        for (let i = 0; i < 1_000; i++) {
          simulation.step(i < 600, false);
          for (const { record, waiting } of simulation.functions) {
            const isStarved = waiting > 0 && simulation.live(record.id).length === 0 && simulation.hasRoom;
            steps.set(record.id, isStarved ? (steps.get(record.id) ?? 0) + 1 : 0);
            expect(steps.get(record.id)).toBeLessThan(STARVED_AT_MOST_STEPS);
          }
        }
        for (let i = 0; i < 5_000 && simulation.hasWork; i++) simulation.step(false);
        for (const { waiting, served, submitted } of simulation.functions) {
          expect({ waiting, served }).toEqual({ waiting: 0, served: submitted });
        }
      }),
      { numRuns: 40, seed: 11 },
    );
  },
  SIMULATION_MS,
);

it(
  'decides the same from what happened as if it looked at everything anew each time',
  () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const simulation = new Simulation(seed, {
          functions: 6,
          workers: 4,
          cpu: 16,
          scaledownWindowMs: 2_000,
          lostCommands: 0.02,
          redeploys: true,
        });
        for (let i = 0; i < 600; i++) {
          simulation.step(i < 300);
          expect(simulation.tellAgain()).toEqual([]);
        }
      }),
      { numRuns: 40, seed: 13 },
    );
  },
  SIMULATION_MS,
);

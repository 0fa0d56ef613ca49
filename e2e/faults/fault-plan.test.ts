import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { drawFaultPlan } from './fault-plan.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test('a plan follows from its seed, and other seeds give other plans', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const plan = drawFaultPlan(seed, 60_000);
      expect(drawFaultPlan(seed, 60_000)).toEqual(plan);
      expect(drawFaultPlan(seed + 1, 60_000)).not.toEqual(plan);
    }),
  );
});

test('faults come in order, are over in time, and never overlap on one target', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: 300_000 }), (seed, durationMs) => {
      const freeAtMs = new Map<string, number>();
      let lastMs = 0;
      for (const { target, atMs, forMs } of drawFaultPlan(seed, durationMs)) {
        expect(atMs).toBeGreaterThanOrEqual(Math.max(lastMs, freeAtMs.get(target) ?? 0));
        expect(atMs + forMs).toBeLessThanOrEqual(durationMs);
        freeAtMs.set(target, atMs + forMs);
        lastMs = atMs;
      }
    }),
  );
});

test('each kind strikes each of its targets before any strikes again', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const plan = drawFaultPlan(seed, 600_000).map(({ kind, target }) => `${kind} ${target}`);
      const count = new Set(plan).size;
      // A container is killed twice in each round: there are many of them.
      const round = plan.slice(0, count + 1).sort();
      expect(round).toEqual([...new Set(plan), 'kill container'].sort());
    }),
  );
});

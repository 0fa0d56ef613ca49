import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { placeContainer, type PlacementWorker, resourceNeed } from './placement.ts';

function worker(workerId: string, changes: Partial<PlacementWorker> = {}): PlacementWorker {
  return {
    workerId,
    capacity: { cpu: 4, memoryMiB: 8_192 },
    used: { cpu: 0, memoryMiB: 0 },
    sameFunction: 0,
    ...changes,
  };
}

const need = { cpu: 1, memoryMiB: 1_024 };

describe('placeContainer', () => {
  it('finds no place where cores or memory are used up', () => {
    expect(placeContainer([], need)).toBeUndefined();
    expect(placeContainer([worker('a', { used: { cpu: 3.5, memoryMiB: 0 } })], need)).toBeUndefined();
    expect(placeContainer([worker('a', { used: { cpu: 0, memoryMiB: 7_200 } })], need)).toBeUndefined();
  });

  it('spreads the containers of a function, then prefers the emptier machine', () => {
    const crowded = worker('a', { sameFunction: 1 });
    const full = worker('b', { used: { cpu: 3, memoryMiB: 0 } });
    const half = worker('c', { used: { cpu: 2, memoryMiB: 0 } });
    expect(placeContainer([crowded, full, half], need)).toBe('c');
    expect(placeContainer([crowded, full], need)).toBe('b');
  });

  it('fills a machine to the last tenth of a core', () => {
    const used = Array.from({ length: 9 }).reduce<number>((sum) => sum + 0.1, 0);
    const machine = worker('a', {
      capacity: { cpu: 1, memoryMiB: 1_024 },
      used: { cpu: used, memoryMiB: 0 },
    });
    expect(placeContainer([machine], { cpu: 0.1, memoryMiB: 1 })).toBe('a');
  });

  it('never overbooks, and finds a place whenever one exists', () => {
    const workers = fc.array(
      fc.record({
        workerId: fc.uuid(),
        capacity: fc.record({
          cpu: fc.integer({ min: 1, max: 8 }),
          memoryMiB: fc.integer({ min: 1, max: 8_000 }),
        }),
        used: fc.record({ cpu: fc.integer({ min: 0, max: 8 }), memoryMiB: fc.nat(8_000) }),
        sameFunction: fc.nat(5),
      }),
    );
    const needs = fc.record({ cpu: fc.integer({ min: 1, max: 8 }), memoryMiB: fc.nat(8_000) });
    fc.assert(
      fc.property(workers, needs, (all, wanted) => {
        const fits = all.filter(
          ({ capacity, used }) =>
            used.cpu + wanted.cpu <= capacity.cpu && used.memoryMiB + wanted.memoryMiB <= capacity.memoryMiB,
        );
        const chosen = placeContainer(all, wanted);
        if (fits.length === 0) expect(chosen).toBeUndefined();
        else expect(fits.map(({ workerId }) => workerId)).toContain(chosen);
      }),
    );
  });
});

describe('resourceNeed', () => {
  it('takes the request of a pair, and the default of what is not said', () => {
    expect(resourceNeed({ cpu: [0.5, 2] })).toEqual({ cpu: 0.5, memoryMiB: 128 });
    expect(resourceNeed({ memoryMiB: 512 })).toEqual({ cpu: 0.125, memoryMiB: 512 });
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { FleetContainer } from './fleet.ts';
import { GIVES_WAY_AFTER_MS, RoomPlan } from './room-plan.ts';

const CORES = 4;
/** The need of each function is its number, in cores. */
const needOf = ({ functionId }: Pick<FleetContainer, 'functionId'>) => ({
  cpu: Number(functionId),
  memoryMiB: 1,
});

const container = fc.record({
  workerId: fc.constantFrom('wk-1', 'wk-2'),
  functionId: fc.constantFrom('1', '2'),
  state: fc.constantFrom('starting' as const, 'ready' as const, 'draining' as const),
  running: fc.nat({ max: 1 }),
  idleForMs: fc.option(fc.nat({ max: 3_000 }), { nil: undefined }),
});

const fleet = fc
  .array(container, { maxLength: 12 })
  .map((parts) => parts.map((part, index) => ({ ...part, containerId: `c${index}`, ...poolOf(index) })));

function poolOf(index: number): Pick<FleetContainer, 'pool' | 'version' | 'maxInputs'> {
  return { pool: `p${index % 3}`, version: 1, maxInputs: 1 };
}

const isLeaving = ({ state, running }: FleetContainer) => state === 'draining' && running === 0;

/** Cores that are free on a machine once everything that leaves, and `stopped`, have left. */
function freeOn(workerId: string, containers: FleetContainer[], stopped: FleetContainer[]): number {
  const staying = containers.filter(
    (one) => one.workerId === workerId && !isLeaving(one) && !stopped.includes(one),
  );
  return CORES - staying.reduce((sum, container) => sum + needOf(container).cpu, 0);
}

it('makes room with as few stops of idle, spare containers of other pools as that takes, if it can', () => {
  fc.assert(
    fc.property(fleet, fc.array(fc.nat({ max: 3 }), { minLength: 3, maxLength: 3 }), (containers, spares) => {
      const spare = new Map(spares.map((count, index) => [`p${index}`, count]));
      const machines = ['wk-1', 'wk-2'].map((workerId) => ({
        workerId,
        capacity: { cpu: CORES, memoryMiB: 1_000 },
      }));
      const plan = new RoomPlan({ machines, containers, needOf, spare });
      const stops = plan.makeRoom({ pool: 'p0', functionId: '2' }, 'first');
      const givesWay = containers.filter(
        (one) =>
          one.pool !== 'p0' &&
          one.state === 'ready' &&
          one.running === 0 &&
          (one.idleForMs ?? 0) >= GIVES_WAY_AFTER_MS.first,
      );
      if (!stops) {
        // Even all that may be stopped would not do, but for what the pools need themselves.
        const withoutLimits = machines.some(({ workerId }) => freeOn(workerId, containers, givesWay) >= 2);
        const isLimited = givesWay.some(
          ({ pool }) => (spare.get(pool) ?? 0) < givesWay.filter((one) => one.pool === pool).length,
        );
        expect(withoutLimits && !isLimited).toBe(false);
        return;
      }
      const fits = (stopped: FleetContainer[]) =>
        machines.some(({ workerId }) => freeOn(workerId, containers, stopped) >= 2);
      expect(fits(stops)).toBe(true);
      for (const stop of stops) {
        expect(givesWay).toContain(stop);
        expect(fits(stops.filter((other) => other !== stop))).toBe(false);
      }
      for (const [pool, count] of spare)
        expect(stops.filter((stop) => stop.pool === pool).length).toBeLessThanOrEqual(count);
    }),
    { numRuns: 1_000, seed: 3 },
  );
});

it('gives no room to others that is promised', () => {
  const half = { functionId: '2', version: 1, maxInputs: 1, running: 0, workerId: 'wk-1' };
  const containers: FleetContainer[] = [
    { ...half, containerId: 'a', pool: 'p0', state: 'ready', running: 1 },
    { ...half, containerId: 'b', pool: 'p1', state: 'draining' },
  ];
  const machines = [{ workerId: 'wk-1', capacity: { cpu: 5, memoryMiB: 1_000 } }];
  const plan = new RoomPlan({ machines, containers, needOf, spare: new Map() });
  expect(plan.place({ pool: 'p9', functionId: '2' })).toBeUndefined();
  expect(plan.makeRoom({ pool: 'p2', functionId: '2' }, 'first')).toEqual([]);
  expect(plan.place({ pool: 'p9', functionId: '1' })).toBe('wk-1');
  expect(plan.makeRoom({ pool: 'p3', functionId: '2' }, 'first')).toBeUndefined();
});

it('has a new version wait for old containers of its own, one after the other, only where that makes room', () => {
  const old = { pool: 'p0', functionId: '2', version: 1, maxInputs: 1, state: 'ready' as const };
  const containers: FleetContainer[] = [
    { ...old, containerId: 'a', workerId: 'wk-1', running: 2 },
    { ...old, containerId: 'b', workerId: 'wk-1', running: 1 },
    { ...old, containerId: 'c', workerId: 'wk-2', running: 0 },
  ];
  const machines = ['wk-1', 'wk-2'].map((workerId, index) => ({
    workerId,
    capacity: { cpu: index === 0 ? 4 : 2, memoryMiB: 1_000 },
  }));
  const newVersion = { pool: 'p0', functionId: '3' };
  const planOf = (all: FleetContainer[]) =>
    new RoomPlan({ machines, containers: all, needOf, spare: new Map() });
  const stopsOf = (all: FleetContainer[], pool = newVersion) =>
    planOf(all)
      .replaceOne(pool, all)
      ?.map(({ containerId }) => containerId);
  expect(stopsOf(containers)).toEqual(['b']);
  const draining = containers.map((one) =>
    one.containerId === 'b' ? { ...one, state: 'draining' as const } : one,
  );
  expect(stopsOf(draining)).toEqual([]);
  expect(stopsOf(containers.filter(({ containerId }) => containerId !== 'b'))).toEqual(['a']);
  expect(stopsOf(containers, { pool: 'p0', functionId: '5' })).toBeUndefined();
});

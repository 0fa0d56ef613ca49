import fc from 'fast-check';
import { expect, it } from 'vitest';

import { type FleetContainer, isLeaving } from './fleet-container.ts';
import { exactNeed } from './placement.ts';
import { GIVES_WAY_AFTER_MS, Room, type RoomAsk } from './room.ts';

const CORES = 4;
const NOW_MS = 100_000;
/** The need of each function is its number, in cores. */
const needOf = (functionId: string) => ({ cpu: Number(functionId), memoryMiB: 1 });
const asks = (pool: string, functionId: string): RoomAsk => ({ pool, functionId, need: needOf(functionId) });

interface Cluster {
  machines: Record<string, number>;
  containers: readonly FleetContainer[];
  spare?: ReadonlyMap<string, number>;
}

function roomOf({ machines, containers, spare = new Map() }: Cluster): Room {
  const room = new Room();
  for (const [workerId, cpu] of Object.entries(machines)) {
    room.setMachine(workerId, { capacity: { cpu, memoryMiB: 1_000 }, isOpen: true });
  }
  for (const container of containers) room.add(container);
  for (const [pool, count] of spare) {
    room.offer(
      pool,
      count,
      containers.filter((container) => container.pool === pool),
    );
  }
  return room;
}

const container = fc.record({
  workerId: fc.constantFrom('wk-1', 'wk-2'),
  functionId: fc.constantFrom('1', '2'),
  state: fc.constantFrom('starting' as const, 'ready' as const, 'draining' as const),
  running: fc.nat({ max: 1 }),
  idleForMs: fc.option(fc.nat({ max: 3_000 }), { nil: undefined }),
});

const fleet = fc.array(container, { maxLength: 12 }).map((parts) =>
  parts.map(({ idleForMs, ...part }, index): FleetContainer => ({
    ...part,
    containerId: `c${index}`,
    pool: `p${index % 3}`,
    version: 1,
    maxInputs: 1,
    idleSinceMs: idleForMs === undefined ? undefined : NOW_MS - idleForMs,
    need: needOf(part.functionId),
  })),
);

/** Cores that are free on a machine once everything that leaves, and `stopped`, have left. */
function freeOn(workerId: string, containers: FleetContainer[], stopped: FleetContainer[]): number {
  const staying = containers.filter(
    (one) => one.workerId === workerId && !isLeaving(one) && !stopped.includes(one),
  );
  return CORES - staying.reduce((sum, container) => sum + container.need.cpu, 0);
}

it('makes room with as few stops of idle, spare containers of other pools as that takes, if it can', () => {
  fc.assert(
    fc.property(fleet, fc.array(fc.nat({ max: 3 }), { minLength: 3, maxLength: 3 }), (containers, spares) => {
      const spare = new Map(spares.map((count, index) => [`p${index}`, count]));
      const machines = ['wk-1', 'wk-2'];
      const room = roomOf({ machines: { 'wk-1': CORES, 'wk-2': CORES }, containers, spare });
      const stops = room.makeRoom(asks('p0', '2'), 'first', NOW_MS);
      const givesWay = containers.filter(
        (one) =>
          one.pool !== 'p0' &&
          one.state === 'ready' &&
          one.running === 0 &&
          NOW_MS - (one.idleSinceMs ?? NOW_MS) >= GIVES_WAY_AFTER_MS.first,
      );
      if (!stops) {
        // Even all that may be stopped would not do, but for what the pools need themselves.
        const withoutLimits = machines.some((workerId) => freeOn(workerId, containers, givesWay) >= 2);
        const isLimited = givesWay.some(
          ({ pool }) => (spare.get(pool) ?? 0) < givesWay.filter((one) => one.pool === pool).length,
        );
        expect(withoutLimits && !isLimited).toBe(false);
        return;
      }
      const fits = (stopped: FleetContainer[]) =>
        machines.some((workerId) => freeOn(workerId, containers, stopped) >= 2);
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

it('gives no room to others that is promised, until it is withdrawn', () => {
  const half = { functionId: '2', version: 1, maxInputs: 1, workerId: 'wk-1', need: needOf('2') };
  const containers: FleetContainer[] = [
    { ...half, containerId: 'a', pool: 'p0', state: 'ready', running: 1 },
    { ...half, containerId: 'b', pool: 'p1', state: 'draining', running: 0 },
  ];
  const room = roomOf({ machines: { 'wk-1': 5 }, containers });
  expect(room.place(asks('p9', '2'))).toBeUndefined();
  expect(room.makeRoom(asks('p2', '2'), 'first', NOW_MS)).toEqual([]);
  expect(room.place(asks('p9', '1'))).toBe('wk-1');
  expect(room.makeRoom(asks('p3', '2'), 'first', NOW_MS)).toBeUndefined();
  expect(room.withdraw('p2')).toBe(1);
  expect(room.makeRoom(asks('p3', '2'), 'first', NOW_MS)).toEqual([]);
});

it('says that there is more room where a container has gone, and to whom that was promised', () => {
  const busy = { functionId: '2', pool: 'p0', version: 1, maxInputs: 1, workerId: 'wk-1', need: needOf('2') };
  const leaving: FleetContainer = { ...busy, containerId: 'a', state: 'draining', running: 0 };
  const room = roomOf({ machines: { 'wk-1': 2 }, containers: [leaving] });
  room.takeGains();
  expect(room.makeRoom(asks('p1', '2'), 'first', NOW_MS)).toEqual([]);
  expect(room.takeGains()).toEqual({ hasGained: false, promisedTo: [] });
  room.remove(leaving);
  expect(room.takeGains()).toEqual({ hasGained: true, promisedTo: ['p1'] });
});

it('has a new version wait for old containers of its own, one after the other, only where that makes room', () => {
  const old = { pool: 'p0', functionId: '2', version: 1, maxInputs: 1, state: 'ready' as const };
  const containers: FleetContainer[] = [
    { ...old, containerId: 'a', workerId: 'wk-1', running: 2, need: needOf('2') },
    { ...old, containerId: 'b', workerId: 'wk-1', running: 1, need: needOf('2') },
    { ...old, containerId: 'c', workerId: 'wk-2', running: 0, need: needOf('2') },
  ];
  const stopsOf = (all: FleetContainer[], functionId = '3') =>
    roomOf({ machines: { 'wk-1': 4, 'wk-2': 2 }, containers: all })
      .replaceOne(asks('p0', functionId), all)
      ?.map(({ containerId }) => containerId);
  expect(stopsOf(containers)).toEqual(['b']);
  const draining = containers.map((one) =>
    one.containerId === 'b' ? { ...one, state: 'draining' as const } : one,
  );
  expect(stopsOf(draining)).toEqual([]);
  expect(stopsOf(containers.filter(({ containerId }) => containerId !== 'b'))).toEqual(['a']);
  expect(stopsOf(containers, '5')).toBeUndefined();
});

const onMachine = (workerId: string, functionId: string, containerId: string, cpu = 1): FleetContainer => ({
  ...{ workerId, functionId, containerId, pool: functionId, version: 1, maxInputs: 1 },
  ...{ state: 'ready', running: 1, need: { cpu, memoryMiB: 1 } },
});

it('finds no place where cores or memory are used up', () => {
  const room = roomOf({ machines: { 'wk-1': 2 }, containers: [onMachine('wk-1', '1', 'a')] });
  expect(new Room().place(asks('p', '1'))).toBeUndefined();
  expect(room.place(asks('p', '2'))).toBeUndefined();
  expect(room.place({ functionId: '1', need: { cpu: 1, memoryMiB: 1_000 } })).toBeUndefined();
  expect(room.place(asks('p', '1'))).toBe('wk-1');
});

it('spreads the containers of a function, then prefers the emptier machine', () => {
  const machines = { 'wk-1': 4, 'wk-2': 4, 'wk-3': 4 };
  const containers = [
    onMachine('wk-1', '1', 'a'),
    onMachine('wk-2', '9', 'b', 3),
    onMachine('wk-3', '9', 'c', 2),
  ];
  const room = roomOf({ machines, containers });
  expect(room.place(asks('p', '1'))).toBe('wk-3');
  room.add(onMachine('wk-3', '1', 'd'));
  expect(room.place(asks('p', '1'))).toBe('wk-2');
});

it('fills a machine to the last tenth of a core', () => {
  const need = exactNeed({ cpu: 0.1, memoryMiB: 1 });
  const room = roomOf({ machines: { 'wk-1': 1 }, containers: [] });
  for (let i = 0; i < 10; i++) {
    expect(room.place({ functionId: '1', need })).toBe('wk-1');
    room.add({ ...onMachine('wk-1', '1', `c${i}`), need });
  }
  expect(room.place({ functionId: '1', need })).toBeUndefined();
});

it('never overbooks, and finds a place whenever one exists, however containers come and go', () => {
  const step = fc.record({
    functionId: fc.constantFrom('1', '2', '3'),
    remove: fc.boolean(),
    at: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const cores: Record<string, number> = { 'wk-1': 3, 'wk-2': 5, 'wk-3': 8 };
      const room = roomOf({ machines: cores, containers: [] });
      const placed: FleetContainer[] = [];
      const usedOn = (workerId: string) =>
        placed.filter((one) => one.workerId === workerId).reduce((cpu, { need }) => cpu + need.cpu, 0);
      for (const [index, { functionId, remove, at }] of steps.entries()) {
        const [gone] = remove ? placed.splice(at % Math.max(1, placed.length), 1) : [];
        if (gone) room.remove(gone);
        const need = needOf(functionId);
        const workerId = room.place({ functionId, need });
        const fits = Object.keys(cores).filter((id) => usedOn(id) + need.cpu <= (cores[id] ?? 0));
        if (fits.length === 0) expect(workerId).toBeUndefined();
        else expect(fits).toContain(workerId);
        if (workerId === undefined) continue;
        const added = { ...onMachine(workerId, functionId, `c${index}`), need };
        room.add(added);
        placed.push(added);
      }
    }),
  );
});

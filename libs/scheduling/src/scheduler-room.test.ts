import type { ContainerStatus } from '@gantry/protocol';
import { beforeEach, describe, expect, it } from 'vitest';

import { demand, record, starts, stops, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

describe('without room', () => {
  let scheduler: Scheduler;
  const OTHER = 'fu-2';
  const machine = { capacity: { cpu: 2, memoryMiB: 4_096 } };
  const ask = (pool: string, inputs = 1) => ({ ...demand(inputs), pool, functionId: pool });
  const idleOnes = (count: number, changes: Partial<ContainerStatus> = {}) =>
    Array.from({ length: count }, (_, index) => ({
      containerId: `idle-${String(index).padStart(2, '0')}`,
      idleSinceMs: 1 + index,
      ...changes,
    }));

  const report = (containers: Partial<ContainerStatus>[], nowMs: number) =>
    scheduler.observeWorker(worker(containers, machine), nowMs);

  beforeEach(() => {
    scheduler = new Scheduler();
    scheduler.observeFunction('fu-1', record());
    scheduler.observeFunction(OTHER, record({}, { id: OTHER }));
  });

  it('stops the one that was idle for longest, waits until it has gone, and stops no second one', () => {
    const idle = idleOnes(16);
    report(idle.slice(3, 4), 0);
    report(idle, 10);
    scheduler.observeDemand(ask(OTHER), 2_000);
    expect(scheduler.decide(2_000)).toMatchObject([{ type: 'stop', containerId: 'idle-03' }]);
    expect(scheduler.decide(2_050)).toEqual([]);
    const draining = idle.map((one, index) => (index === 3 ? { ...one, state: 'draining' as const } : one));
    report(draining, 2_100);
    expect(scheduler.decide(2_100)).toEqual([]);
    report(
      idle.filter((_, index) => index !== 3),
      2_200,
    );
    expect(scheduler.decide(2_200)).toMatchObject([{ type: 'start', pool: OTHER }]);
  });

  it('leaves containers alone that were idle for less than a quarter of a second, or run something', () => {
    const busy = idleOnes(8, { running: 1, idleSinceMs: undefined });
    report([...idleOnes(8), ...busy.map((one, index) => ({ ...one, containerId: `busy-${index}` }))], 0);
    scheduler.observeDemand(ask(OTHER), 150);
    expect(stops(scheduler.decide(150))).toEqual([]);
    expect(stops(scheduler.decide(300))).toHaveLength(1);
  });

  it('never goes below the minimum of another pool', () => {
    scheduler.observeFunction('fu-1', record({ minContainers: 16 }));
    report(idleOnes(16), 0);
    scheduler.observeDemand(ask(OTHER), 2_000);
    expect(scheduler.decide(2_000)).toMatchObject([{ type: 'unplaceable', reason: 'noRoom', pool: OTHER }]);
  });

  it('stops as many as a large container needs, and none besides', () => {
    scheduler.observeFunction(OTHER, record({ cpu: 0.5 }, { id: OTHER }));
    report(idleOnes(15), 0);
    scheduler.observeDemand(ask(OTHER), 2_000);
    expect(stops(scheduler.decide(2_000))).toHaveLength(3);
  });

  it('makes room for one container of a pool that has none, and for more only after longer idleness', () => {
    report(idleOnes(16), 0);
    scheduler.observeDemand(ask(OTHER, 100), 1_000);
    expect(stops(scheduler.decide(1_000))).toHaveLength(1);
    const own = { containerId: 'own', pool: OTHER, functionId: OTHER, running: 1 };
    const backlog = { waiting: 99, delivered: 1 };
    report([...idleOnes(16).slice(1), own], 1_100);
    scheduler.observeBacklog({ pool: OTHER, functionId: OTHER }, backlog, 1_100);
    expect(stops(scheduler.decide(1_100))).toEqual([]);
    report([...idleOnes(16).slice(1), own], 5_500);
    scheduler.observeBacklog({ pool: OTHER, functionId: OTHER }, backlog, 5_500);
    expect(stops(scheduler.decide(5_500))).toHaveLength(15);
  });

  it('stops nobody for the extra containers of a buffer', () => {
    scheduler.observeFunction(OTHER, record({ bufferContainers: 4 }, { id: OTHER }));
    const busy = { containerId: 'busy', pool: OTHER, functionId: OTHER, running: 1 };
    report([...idleOnes(15), busy], 0);
    scheduler.observeDemand(ask(OTHER), 2_000);
    expect(stops(scheduler.decide(2_000))).toEqual([]);
  });

  it('serves pools without any container before one that wants more', () => {
    const third = 'fu-3';
    scheduler.observeFunction(third, record({}, { id: third }));
    const starting = { pool: OTHER, functionId: OTHER, state: 'starting' as const };
    report([...idleOnes(15), { containerId: 'own', ...starting }], 0);
    scheduler.observeDemand(ask(OTHER, 5), 6_000);
    scheduler.observeDemand(ask(third), 6_000);
    expect(stops(scheduler.decide(6_000))).toHaveLength(5);
    report([...idleOnes(15).slice(5), { containerId: 'own', ...starting }].slice(0, 15), 6_100);
    const [first] = starts(scheduler.decide(6_100));
    expect(first).toMatchObject({ pool: third });
  });
});

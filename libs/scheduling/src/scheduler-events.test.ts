import { beforeEach, describe, expect, it } from 'vitest';

import { demand, POOL, record, starts, stops, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

describe('a scheduler that looks only at what happened', () => {
  let scheduler: Scheduler;
  let count: number;

  beforeEach(() => {
    count = 0;
    scheduler = new Scheduler({ newContainerId: () => `c${++count}` });
  });

  it('forgets a silent gateway also when nothing else happens', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ running: 1 }]), 0);
    scheduler.observeDemand(demand(0, 1), 0);
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 2_000) {
      scheduler.observeWorker(worker([{ running: 1 }]), nowMs);
      scheduler.decide(nowMs);
      expect(scheduler.isBusy).toBe(true);
    }
    scheduler.decide(10_001);
    expect(scheduler.isBusy).toBe(false);
  });

  it('counts the inputs of containers that a worker which was started again does not know', () => {
    const live = worker([{ containerId: 'live', running: 1 }]);
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ containerId: 'gone', running: 1 }], { workerId: 'wk-2' }), 0);
    scheduler.observeWorker(live, 0);
    scheduler.observeWorker(worker([], { workerId: 'wk-2' }), 500);
    const startsBy: number[] = [];
    for (let nowMs = 500; nowMs <= 4_000; nowMs += 250) {
      scheduler.observeWorker(live, nowMs);
      scheduler.observeBacklog(POOL, { waiting: 0, delivered: 2 }, nowMs);
      scheduler.poolsToLookAt(nowMs);
      if (starts(scheduler.decide(nowMs)).length > 0) startsBy.push(nowMs);
    }
    expect(startsBy).toHaveLength(1);
  });

  it('counts a container until its worker shows that it heard of its end', () => {
    const idle = { idleSinceMs: 1 };
    scheduler.observeFunction('fu-1', record({ maxContainers: 1, scaledownWindowMs: 2_000 }));
    scheduler.observeWorker(worker([idle]), 0);
    scheduler.observeWorker(worker([idle]), 2_000);
    expect(stops(scheduler.decide(2_000))).toHaveLength(1);
    scheduler.observeDemand(demand(1), 2_001);
    expect(scheduler.decide(2_001)).toEqual([]);
    scheduler.observeWorker(worker([{ ...idle, state: 'draining' }]), 2_050);
    expect(starts(scheduler.decide(2_050))).toHaveLength(1);
  });

  it('takes a large change in several rounds, and says that it is behind meanwhile', () => {
    const pools = Array.from({ length: 1_000 }, (_, index) => `fu-${index}`);
    scheduler.observeWorker(worker([], { capacity: { cpu: 1_000, memoryMiB: 1_000_000 } }), 0);
    for (const id of pools) scheduler.observeFunction(id, record({ minContainers: 1 }, { id }));
    const started = new Set<string>();
    let rounds = 0;
    do {
      rounds++;
      for (const action of starts(scheduler.decide(0)))
        started.add(action.type === 'start' ? action.pool : '');
    } while (scheduler.isBehind);
    expect([...started].sort()).toEqual([...pools].sort());
    expect(rounds).toBeGreaterThan(2);
  });
});

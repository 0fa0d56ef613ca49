import type { ContainerStatus } from '@gantry/protocol';
import { beforeEach, describe, expect, it } from 'vitest';

import { demand, POOL, record, starts, stops, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

describe('Scheduler', () => {
  let scheduler: Scheduler;
  let count: number;

  beforeEach(() => {
    count = 0;
    scheduler = new Scheduler({ newContainerId: () => `c${++count}` });
  });

  it('starts a container at once for the first input of a pool that has none', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker(), 0);
    expect(scheduler.decide(0)).toEqual([]);
    scheduler.observeDemand(demand(1), 1);
    expect(scheduler.decide(1)).toMatchObject([
      { type: 'start', workerId: 'wk-1', containerId: 'c1', pool: 'fu-1' },
    ]);
    expect(scheduler.decide(2)).toEqual([]);
  });

  it('starts as many as a burst needs, up to the maximum', () => {
    scheduler.observeFunction('fu-1', record({ maxContainers: 3, maxInputs: 2 }));
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(3), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(2);
    scheduler.observeDemand(demand(30), 1);
    expect(starts(scheduler.decide(1))).toHaveLength(1);
  });

  it('provides containers for targetInputs each, not for the maxInputs that they can burst to', () => {
    scheduler.observeFunction('fu-1', record({ maxInputs: 8, targetInputs: 2 }));
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(8), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(4);
  });

  it('keeps a buffer while the function is active, and lets it go a scaledown window after', () => {
    scheduler.observeFunction('fu-1', record({ bufferContainers: 1, scaledownWindowMs: 4_000 }));
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(1), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(2);
    scheduler.observeBacklog(POOL, { waiting: 0, delivered: 0 }, 1);
    const idle = ['c1', 'c2'].map((containerId) => ({ containerId, idleSinceMs: 1 }));
    const stoppedAtMs: number[] = [];
    for (let nowMs = 100; nowMs <= 9_000; nowMs += 100) {
      if (nowMs % 2_000 === 100) scheduler.observeWorker(worker(idle), nowMs);
      for (const _ of stops(scheduler.decide(nowMs))) if (stoppedAtMs.length < 2) stoppedAtMs.push(nowMs);
    }
    // One may go once it was idle for long enough; the buffer not before nothing was asked for as long.
    expect(stoppedAtMs).toEqual([4_100, 4_100]);
  });

  it('keeps its buffer beside what is busy, within maxContainers', () => {
    scheduler.observeFunction('fu-1', record({ bufferContainers: 2, maxContainers: 3 }));
    scheduler.observeWorker(worker([{ running: 1 }, { containerId: 'c2', running: 1 }]), 0);
    scheduler.observeBacklog(POOL, { waiting: 0, delivered: 2 }, 0);
    scheduler.decide(0);
    scheduler.poolsToLookAt(300);
    scheduler.observeBacklog(POOL, { waiting: 0, delivered: 2 }, 300);
    expect(starts(scheduler.decide(300))).toHaveLength(1);
  });

  it('asks again when a worker refuses or never reports the container', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(1), 0);
    scheduler.decide(0);
    scheduler.observeRefusal('c1', 1);
    expect(starts(scheduler.decide(2))).toEqual([]);
    expect(starts(scheduler.decide(1_001))).toMatchObject([{ containerId: 'c2' }]);
    scheduler.observeWorker(worker(), 6_500);
    expect(starts(scheduler.decide(6_501))).toMatchObject([{ containerId: 'c3' }]);
  });

  it('does not scale up for one caller after the other', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ running: 1 }]), 0);
    for (let nowMs = 0; nowMs < 2_000; nowMs += 250) {
      scheduler.observeWorker(worker([{ running: 1 }]), nowMs);
      scheduler.observeDemand(demand(20), nowMs);
      expect(scheduler.poolsToLookAt(nowMs)).toEqual([POOL]);
      // The acknowledgement of the last input is still on its way.
      scheduler.observeBacklog(POOL, { waiting: 0, delivered: 2 }, nowMs);
      expect(scheduler.decide(nowMs)).toEqual([]);
      scheduler.observeBacklog(POOL, { waiting: 0, delivered: 1 }, nowMs + 10);
    }
  });

  it('scales up when inputs wait over two looks', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ running: 1 }]), 0);
    scheduler.observeDemand(demand(1), 0);
    scheduler.poolsToLookAt(0);
    scheduler.observeBacklog(POOL, { waiting: 1, delivered: 1 }, 0);
    expect(starts(scheduler.decide(0))).toHaveLength(0);
    expect(scheduler.poolsToLookAt(30)).toEqual([POOL]);
    scheduler.observeBacklog(POOL, { waiting: 1, delivered: 1 }, 30);
    expect(starts(scheduler.decide(30))).toHaveLength(1);
  });

  it('counts the inputs of a lost worker, but not those whose acknowledgements are late', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ containerId: 'lost' }], { workerId: 'wk-2' }), 0);
    const startsBy: number[] = [];
    for (let nowMs = 0; nowMs <= 9_000; nowMs += 250) {
      scheduler.observeWorker(worker([{ containerId: 'live', running: 1 }]), nowMs);
      scheduler.poolsToLookAt(nowMs);
      scheduler.observeBacklog(POOL, { waiting: 0, delivered: 3 }, nowMs);
      if (starts(scheduler.decide(nowMs)).length > 0) startsBy.push(nowMs);
    }
    expect(startsBy).toEqual([6_500]);
    expect(count).toBe(2);
  });

  it('keeps the minimum, replaces what a dead worker had, and waits for reports first', () => {
    scheduler = new Scheduler({ newContainerId: () => `c${++count}`, settlesAtMs: 2_000 });
    scheduler.observeFunction('fu-1', record({ minContainers: 1 }));
    scheduler.observeWorker(worker(), 0);
    expect(scheduler.decide(1_000)).toEqual([]);
    expect(starts(scheduler.decide(2_000))).toHaveLength(1);
    scheduler.observeWorker(worker([{ containerId: 'c1' }]), 2_100);
    expect(scheduler.decide(2_200)).toEqual([]);
    scheduler.observeWorker(worker([], { workerId: 'wk-2' }), 8_000);
    expect(starts(scheduler.decide(8_200))).toMatchObject([{ workerId: 'wk-2' }]);
  });

  it('ends idle containers after the scaledown window, by its own clock', () => {
    scheduler.observeFunction('fu-1', record({ scaledownWindowMs: 2_000 }));
    const idle = worker([{ idleSinceMs: 999_999 }]);
    scheduler.observeWorker(idle, 0);
    expect(scheduler.decide(1_999)).toEqual([]);
    scheduler.observeWorker(idle, 2_000);
    expect(stops(scheduler.decide(2_000))).toMatchObject([{ containerId: 'c1', reason: 'idle' }]);
    expect(scheduler.decide(2_100)).toEqual([]);
  });

  it('repeats a stop that its worker did not hear', () => {
    scheduler.observeFunction('fu-1', record({ scaledownWindowMs: 2_000 }));
    for (const nowMs of [0, 2_000]) scheduler.observeWorker(worker([{ idleSinceMs: 1 }]), nowMs);
    expect(stops(scheduler.decide(2_000))).toHaveLength(1);
    scheduler.observeWorker(worker([{ idleSinceMs: 1 }]), 4_900);
    expect(stops(scheduler.decide(5_100))).toMatchObject([{ containerId: 'c1', reason: 'repeated' }]);
  });

  it('ends one old container at a time where no machine has room for the new version beside it', () => {
    const full = { capacity: { cpu: 0.25, memoryMiB: 4_096 } };
    const old = [
      { containerId: 'busy', running: 1 },
      { containerId: 'idle', running: 0 },
    ];
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker(old, full), 0);
    scheduler.decide(1);
    scheduler.observeFunction('fu-1', record({}, { version: 2 }));
    expect(stops(scheduler.decide(2))).toMatchObject([
      { containerId: 'idle', reason: 'version 2 needs its room' },
    ]);
    expect(stops(scheduler.decide(3))).toEqual([]);
    scheduler.observeWorker(worker([{ containerId: 'busy', running: 1 }], full), 4);
    expect(starts(scheduler.decide(5))).toMatchObject([{ containerId: 'c1', record: { version: 2 } }]);
  });

  it('fails no input because a new version does not load while the old one serves', () => {
    const failed = (containerId: string): Partial<ContainerStatus> => ({
      containerId,
      version: 2,
      state: 'stopped',
      readyAtMs: undefined,
      exit: { reason: 'loadFailed', code: 1, signal: null },
    });
    scheduler.observeApp({ id: 'ap-1', state: 'ephemeral' });
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ containerId: 'old', running: 1 }]), 0);
    scheduler.observeFunction('fu-1', record({}, { version: 2 }));
    const kinds = new Set<string>();
    for (let nowMs = 1; nowMs < 120_000; nowMs += 100) {
      for (const action of scheduler.decide(nowMs)) {
        kinds.add(action.type);
        if (action.type !== 'start') continue;
        scheduler.observeWorker(
          worker([{ containerId: 'old', running: 1 }, failed(action.containerId)]),
          nowMs + 50,
        );
      }
      scheduler.observeWorker(worker([{ containerId: 'old', running: 1 }]), nowMs + 60);
    }
    expect(count).toBeGreaterThan(6);
    expect([...kinds]).toEqual(['start', 'crashLoop']);
  });

  it('plans whole batches for each container, and no more inputs than it may take', () => {
    const batching = { maxBatchSize: 10, waitMs: 5 };
    scheduler.observeFunction('fu-1', record({ batching }));
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(25), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(3);
    scheduler.observeFunction('fu-1', record({ batching, maxInputsPerContainer: 5 }));
    expect(starts(scheduler.decide(1))).toHaveLength(2);
  });

  it('counts a container that takes no more inputs for the ones it has, and no further', () => {
    const busy = { state: 'ready' as const, running: 1, maxInputs: 1, exhausted: true };
    scheduler.observeFunction('fu-1', record({ maxInputsPerContainer: 1, maxContainers: 2 }));
    scheduler.observeWorker(worker([busy]), 0);
    scheduler.observeBacklog(POOL, { waiting: 0, delivered: 1 }, 0);
    expect(scheduler.decide(0)).toEqual([]);
    scheduler.observeBacklog(POOL, { waiting: 5, delivered: 1 }, 1);
    expect(starts(scheduler.decide(1))).toHaveLength(1);
    scheduler.observeWorker(worker([busy, { ...busy, containerId: 'c2' }]), 2);
    expect(starts(scheduler.decide(2))).toEqual([]);
  });

  it('replaces an old version by a ready container of the new one', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{}]), 0);
    expect(scheduler.decide(0)).toEqual([]);
    scheduler.observeFunction('fu-1', record({}, { version: 2 }));
    expect(scheduler.decide(1)).toMatchObject([{ type: 'start', containerId: 'c1' }]);
    scheduler.observeWorker(
      worker([{ containerId: 'old' }, { containerId: 'c1', version: 2, state: 'starting' }]),
      2,
    );
    expect(scheduler.decide(2)).toEqual([]);
    scheduler.observeWorker(worker([{ containerId: 'old' }, { containerId: 'c1', version: 2 }]), 3);
    expect(scheduler.decide(3)).toMatchObject([
      { type: 'stop', containerId: 'old', reason: 'version 2 took over' },
    ]);
  });

  it.each([
    ['stopped', record({}, { stopped: true })],
    ['removed', undefined],
  ])('ends the containers of a function that is %s', (_state, changed) => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ running: 1 }]), 0);
    scheduler.observeFunction('fu-1', changed);
    expect(scheduler.decide(1)).toMatchObject([{ type: 'stop', containerId: 'c1' }]);
  });

  it('backs off from code that does not load, and tells the waiting callers of an ephemeral app', () => {
    scheduler.observeApp({ id: 'ap-1', state: 'ephemeral' });
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(5), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(5);
    const failed = (containerId: string): Partial<ContainerStatus> => ({
      containerId,
      state: 'stopped',
      readyAtMs: undefined,
      exit: { reason: 'loadFailed', code: 1, signal: null, message: 'no such module' },
    });
    scheduler.observeWorker(worker(['c1', 'c2', 'c3', 'c4', 'c5'].map(failed)), 10);
    expect(scheduler.decide(11)).toEqual([]);
    scheduler.observeWorker(worker(), 1_000);
    expect(starts(scheduler.decide(1_010))).toMatchObject([{ containerId: 'c6' }]);
    scheduler.observeWorker(worker([failed('c6')]), 1_020);
    expect(scheduler.decide(2_500)).toMatchObject([{ type: 'crashLoop', loop: { failures: 2 } }]);
    scheduler.observeWorker(worker(), 3_000);
    expect(starts(scheduler.decide(3_020))).toMatchObject([{ containerId: 'c7' }]);
    scheduler.observeWorker(worker([failed('c7')]), 3_030);
    expect(scheduler.decide(3_031)).toMatchObject([
      { type: 'crashLoop', loop: { failures: 3, nextStartAtMs: 7_030 } },
      { type: 'failInputs', failures: 3, message: 'no such module' },
    ]);
    scheduler.observeInputsFailed('fu-1');
    expect(scheduler.decide(3_032)).toEqual([]);
  });

  it('tries the containers of a deployed app for ever, and fails no input meanwhile', () => {
    scheduler.observeApp({ id: 'ap-1', state: 'deployed' });
    scheduler.observeFunction('fu-1', record());
    scheduler.observeDemand(demand(1), 0);
    const exit = { reason: 'loadFailed', code: 1, signal: null, message: 'no such module' } as const;
    const pauses: number[] = [];
    let endedAtMs = 0;
    for (let nowMs = 0; pauses.length < 12; nowMs += 500) {
      scheduler.observeWorker(worker(), nowMs);
      const actions = scheduler.decide(nowMs);
      expect(actions.filter(({ type }) => type === 'failInputs')).toEqual([]);
      const [start] = starts(actions) as { containerId: string }[];
      if (!start) continue;
      pauses.push(Math.round((nowMs - endedAtMs) / 1000));
      const ended = { containerId: start.containerId, state: 'stopped', readyAtMs: undefined, exit } as const;
      scheduler.observeWorker(worker([ended]), (endedAtMs = nowMs + 1));
    }
    expect(pauses).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
  });

  it('starts containers that crash once they run more and more slowly, whatever earlier ones did', () => {
    scheduler.observeFunction('fu-1', record({ minContainers: 1 }));
    const exit = { reason: 'crashed', code: 1, signal: null } as const;
    const ended = (
      containerId: string,
      changes: Partial<ContainerStatus> = {},
    ): Partial<ContainerStatus> => ({
      ...{ containerId, state: 'stopped', exit, ...changes },
    });
    // Workers show what ended for a while.
    const shown = [ended('c0', { proven: true })];
    const startedAtS: number[] = [];
    for (let nowMs = 0; startedAtS.length < 9; nowMs += 500) {
      scheduler.observeWorker(worker(shown), nowMs);
      const [start] = starts(scheduler.decide(nowMs)) as { containerId: string }[];
      if (!start) continue;
      startedAtS.push(nowMs / 1000);
      shown.push(ended(start.containerId));
    }
    expect(startedAtS).toEqual([0, 0.5, 1, 1.5, 3, 5.5, 10, 18.5, 35]);
  });

  it('says once a minute that nothing fits', () => {
    scheduler.observeFunction('fu-1', record({ cpu: 64 }));
    scheduler.observeWorker(worker(), 0);
    scheduler.observeDemand(demand(1), 0);
    expect(scheduler.decide(0)).toMatchObject([{ type: 'unplaceable', containers: 1 }]);
    scheduler.observeWorker(worker(), 1_000);
    expect(scheduler.decide(1_000)).toEqual([]);
  });

  it('says nothing about room while all machines leave', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([], { draining: true }), 0);
    scheduler.observeDemand(demand(1), 0);
    expect(scheduler.decide(0)).toEqual([]);
  });

  it('says that there is no room for more containers of a pool only when it has none, or for long too few', () => {
    scheduler.observeFunction('fu-1', record({ cpu: 1 }));
    const told: number[] = [];
    for (let nowMs = 0; nowMs < 100_000; nowMs += 1_000) {
      scheduler.observeWorker(worker([{ running: 1 }], { capacity: { cpu: 1.5, memoryMiB: 4_096 } }), nowMs);
      scheduler.observeDemand(demand(5), nowMs);
      scheduler.observeBacklog(POOL, { waiting: 5, delivered: 1 }, nowMs);
      const actions = scheduler.decide(nowMs).filter(({ type }) => type === 'unplaceable');
      told.push(...actions.map(() => nowMs / 1000));
    }
    expect(told).toEqual([30, 90]);
  });

  it('starts containers for web requests that wait, and forgets a gateway that fell silent', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker([{ running: 1 }]), 0);
    scheduler.observeDemand(demand(0, 1), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(1);
    expect(scheduler.isBusy).toBe(true);
    scheduler.observeWorker(worker([{ running: 0, idleSinceMs: 5 }]), 11_000);
    scheduler.decide(11_000);
    expect(scheduler.isBusy).toBe(false);
  });

  it('says that no worker is connected only after workers had the time to report', () => {
    scheduler = new Scheduler({ settlesAtMs: 3_000 });
    scheduler.observeFunction('fu-1', record());
    scheduler.observeDemand(demand(1), 0);
    expect(scheduler.decide(0)).toEqual([]);
    expect(scheduler.decide(2_999)).toEqual([]);
    expect(scheduler.decide(3_000)).toMatchObject([{ type: 'unplaceable', reason: 'noWorker' }]);
  });
});

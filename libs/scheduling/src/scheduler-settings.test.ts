import { beforeEach, describe, expect, it } from 'vitest';

import { demand, POOL, record, starts, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

describe('Scheduler, told otherwise than by the code', () => {
  let scheduler: Scheduler;
  let count: number;

  beforeEach(() => {
    count = 0;
    scheduler = new Scheduler({ newContainerId: () => `c${++count}` });
  });

  it('follows live settings at once, over those in code, until the next version', () => {
    const live = (settings: object) => ({ ...POOL, parameters: {}, version: 1, settings });
    scheduler.observeFunction('fu-1', record({ minContainers: 1, maxContainers: 5 }));
    scheduler.observeWorker(worker(), 0);
    scheduler.observeAutoscaler(POOL, live({ minContainers: 3 }));
    expect(starts(scheduler.decide(0))).toHaveLength(3);
    const ready = ['c1', 'c2', 'c3'].map((containerId) => ({ containerId, idleSinceMs: 1 }));
    scheduler.observeWorker(worker(ready), 1);
    scheduler.observeFunction('fu-1', record({ minContainers: 1 }, { version: 2 }));
    expect(starts(scheduler.decide(2))).toHaveLength(1);
  });

  it('keeps a buffer by live settings only while the function is in use', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker(), 0);
    const settings = { bufferContainers: 2 };
    scheduler.observeAutoscaler(POOL, { ...POOL, parameters: {}, version: 1, settings });
    expect(scheduler.decide(0)).toEqual([]);
    scheduler.observeDemand(demand(1), 1);
    expect(starts(scheduler.decide(1))).toHaveLength(3);
  });

  it('starts containers of a pool with the options that its callers replaced', () => {
    scheduler.observeFunction('fu-1', record({ cpu: 1, maxInputs: 1 }));
    scheduler.observeWorker(worker(), 0);
    const options = { cpu: 2, maxInputs: 8 };
    scheduler.observeDemand({ ...demand(8), pool: 'fu-1-x', options }, 0);
    const started = starts(scheduler.decide(0));
    expect(started).toMatchObject([{ pool: 'fu-1-x', record: { spec: { options } } }]);
  });

  it('starts no more containers than a caller allows, whatever live settings of the function say', () => {
    scheduler.observeFunction('fu-1', record());
    scheduler.observeWorker(worker(), 0);
    scheduler.observeAutoscaler(POOL, {
      ...POOL,
      parameters: {},
      version: 1,
      settings: { maxContainers: 9 },
    });
    scheduler.observeDemand({ ...demand(8), pool: 'fu-1-x', options: { maxContainers: 2 } }, 0);
    expect(starts(scheduler.decide(0))).toHaveLength(2);
  });

  it('keeps no minimum of containers with options that a caller replaced', () => {
    scheduler.observeFunction('fu-1', record({ minContainers: 2 }));
    scheduler.observeWorker(worker([{ idleSinceMs: 0 }, { containerId: 'other', idleSinceMs: 0 }]), 0);
    const live = { functionId: 'fu-1', pool: 'fu-1', parameters: {}, version: 1 };
    scheduler.observeAutoscaler(POOL, { ...live, settings: { minContainers: 2 } });
    const options = { maxContainers: 1 };
    scheduler.observeDemand({ ...demand(1), pool: 'fu-1-x', options }, 0);
    const started = starts(scheduler.decide(0));
    expect(started).toMatchObject([{ pool: 'fu-1-x' }]);
  });
});

import { shellPool } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { demand, record, starts, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

describe('the container of a shell', () => {
  const machine = { capacity: { cpu: 2, memoryMiB: 4_096 } };
  const shell = { containerId: 'ta-1', pool: shellPool('fu-1', 'ta-1'), running: 1, proven: true } as const;

  it('takes room', () => {
    const scheduler = new Scheduler();
    scheduler.observeFunction('fu-1', record({ cpu: 2 }));
    scheduler.observeWorker(worker([shell], machine), 0);
    scheduler.observeDemand(demand(1), 0);
    expect(starts(scheduler.decide(0))).toEqual([]);
    scheduler.observeWorker(worker([], machine), 1_000);
    expect(starts(scheduler.decide(1_000))).toHaveLength(1);
  });

  it('is no reason to start others, and is not stopped, whatever the function says of its own', () => {
    const scheduler = new Scheduler();
    scheduler.observeFunction('fu-1', record({ bufferContainers: 1, scaledownWindowMs: 2_000 }));
    for (let nowMs = 0; nowMs < 120_000; nowMs += 1_000) {
      scheduler.observeWorker(worker([shell], machine), nowMs);
      expect(scheduler.decide(nowMs)).toEqual([]);
    }
    scheduler.observeFunction('fu-1', record({ bufferContainers: 1 }, { version: 2 }));
    expect(scheduler.decide(121_000)).toEqual([]);
  });
});

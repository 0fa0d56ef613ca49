import { beforeEach, describe, expect, it } from 'vitest';

import { record, starts, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

let scheduler: Scheduler;

beforeEach(() => {
  let count = 0;
  scheduler = new Scheduler({ newContainerId: () => `new-${++count}`, settlesAtMs: 0 });
});

const old = (containerId: string, running = 0) => ({ containerId, running });
const fresh = (containerId: string, state: 'starting' | 'ready') => ({ containerId, version: 2, state });

describe('a new version', () => {
  it('takes over the warm pool: its minimum is started beside the old one, which then ends, idle or busy', () => {
    scheduler.observeFunction('fu-1', record({ minContainers: 2 }));
    scheduler.observeWorker(worker([old('old-1'), old('old-2', 1)]), 0);
    expect(scheduler.decide(0)).toEqual([]);

    scheduler.observeFunction('fu-1', record({ minContainers: 2 }, { version: 2 }));
    expect(starts(scheduler.decide(1))).toMatchObject([{ containerId: 'new-1' }, { containerId: 'new-2' }]);

    const starting = ['new-1', 'new-2'].map((id) => fresh(id, 'starting'));
    scheduler.observeWorker(worker([old('old-1'), old('old-2', 1), ...starting]), 2);
    expect(scheduler.decide(2)).toEqual([]);

    const ready = [fresh('new-1', 'ready'), fresh('new-2', 'starting')];
    scheduler.observeWorker(worker([old('old-1'), old('old-2', 1), ...ready]), 3);
    // A stop lets a container finish what it has.
    expect(scheduler.decide(3)).toMatchObject([
      { type: 'stop', containerId: 'old-1', reason: 'version 2 took over' },
      { type: 'stop', containerId: 'old-2', reason: 'version 2 took over' },
    ]);

    scheduler.observeWorker(worker([fresh('new-1', 'ready'), fresh('new-2', 'ready')]), 120_000);
    expect(scheduler.decide(120_000)).toEqual([]);
  });
});

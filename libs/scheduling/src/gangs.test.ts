import type { ContainerStatus, FunctionOptionsSpec, WorkerStatus } from '@gantry/protocol';
import { beforeEach, describe, expect, it } from 'vitest';

import { demand, POOL, record, starts, stops, worker } from './scheduler.fixture.ts';
import type { Action } from './round.ts';
import { Scheduler } from './scheduler.ts';

const driver = { name: 'd', images: true, privateNetwork: 'region' as const, nodeVersion: '24.0.0' };

let scheduler: Scheduler;
let count: number;

const newScheduler = (settlesAtMs = 0): Scheduler =>
  new Scheduler({ newContainerId: () => `c${count++}`, settlesAtMs });

/** Containers of one core each. */
const clustered = (size: number, options: FunctionOptionsSpec = {}): FunctionOptionsSpec => ({
  ...{ cpu: 1, memoryMiB: 1, cluster: { size }, privateNetwork: true, ...options },
});

function machine(workerId: string, changes: Partial<WorkerStatus> = {}): WorkerStatus {
  return worker([], {
    workerId,
    driver,
    labels: { region: 'a' },
    capacity: { cpu: 2, memoryMiB: 4_096 },
    ...changes,
  });
}

/** Machines as they report what was started on them. */
class Reports {
  readonly #machines = new Map<string, WorkerStatus>();

  constructor(machines: readonly WorkerStatus[]) {
    for (const status of machines) this.#machines.set(status.workerId, status);
  }

  start(actions: readonly Action[], status: Partial<ContainerStatus> = {}): void {
    for (const action of actions) {
      if (action.type !== 'start') continue;
      const {
        containerId,
        workerId,
        gang,
        record: { id, version },
      } = action;
      const own = { containerId, pool: id, functionId: id, version, idleSinceMs: 1, ...status };
      const seat = gang && {
        gang: { leader: gang.containerIds[0] ?? '', rank: gang.rank, size: gang.containerIds.length },
      };
      const [made] = worker([{ ...own, ...seat }]).containers;
      if (made) this.#machines.get(workerId)?.containers.push(made);
    }
  }

  change(change: (container: ContainerStatus) => ContainerStatus | undefined): void {
    for (const status of this.#machines.values())
      status.containers = status.containers.flatMap((container) => change(container) ?? []);
  }

  tell(nowMs: number, only: (workerId: string) => boolean = () => true): void {
    for (const status of this.#machines.values())
      if (only(status.workerId)) scheduler.observeWorker(structuredClone(status), nowMs);
  }
}

/** A gang of three that is ready, on `wk-0` and `wk-1`. */
function aReadyGang(options: FunctionOptionsSpec = {}): Reports {
  scheduler.observeFunction('fu-1', record(clustered(3, options)));
  const reports = new Reports([machine('wk-0'), machine('wk-1')]);
  reports.tell(0);
  scheduler.observeDemand(demand(1), 0);
  reports.start(scheduler.decide(0));
  reports.tell(1);
  scheduler.poolsToLookAt(1);
  scheduler.observeBacklog(POOL, { waiting: 0, delivered: 0 }, 1);
  expect(scheduler.decide(1)).toEqual([]);
  return reports;
}

beforeEach(() => {
  count = 0;
  scheduler = newScheduler();
});

describe('the containers of a gang', () => {
  it('start at once, or not at all while one of them has no room', () => {
    scheduler.observeFunction('fu-1', record(clustered(5)));
    for (const id of ['wk-0', 'wk-1']) scheduler.observeWorker(machine(id), 0);
    scheduler.observeDemand(demand(1), 0);
    expect(scheduler.decide(0)).toMatchObject([{ type: 'unplaceable', reason: 'noRoom', containers: 1 }]);
    scheduler.observeWorker(machine('wk-2'), 100);
    const started = starts(scheduler.decide(100));
    expect(started.map((action) => action.type === 'start' && action.gang?.rank)).toEqual([0, 1, 2, 3, 4]);
  });

  it.each([
    ['region', ['a', 'b', 'b'], ['wk-1', 'wk-2']],
    ['machine', ['a', 'a', 'a'], []],
  ] as const)(
    'are on machines whose containers reach each other, where a network is that of a %s',
    (kind, regions, found) => {
      scheduler.observeFunction('fu-1', record(clustered(4)));
      for (const [index, region] of regions.entries()) {
        const own = { labels: { region }, driver: { ...driver, privateNetwork: kind } };
        scheduler.observeWorker(machine(`wk-${index}`, own), 0);
      }
      scheduler.observeDemand(demand(1), 0);
      const workerIds = starts(scheduler.decide(0)).map((action) => 'workerId' in action && action.workerId);
      expect([...new Set(workerIds)].sort()).toEqual(found);
    },
  );

  it('get GPUs each', () => {
    const gpus = [0, 1, 2, 3].map((index) => ({ index, type: 'H100', memoryMiB: 81_559 }));
    scheduler.observeFunction('fu-1', record(clustered(3, { gpu: ['H100:2'] })));
    for (const id of ['wk-0', 'wk-1'])
      scheduler.observeWorker(machine(id, { capacity: { cpu: 8, memoryMiB: 4_096, gpus } }), 0);
    scheduler.observeDemand(demand(1), 0);
    const started = starts(scheduler.decide(0)).map(
      (action) => 'gpus' in action && [action.workerId, action.gpus],
    );
    expect(started.sort()).toEqual([
      ['wk-0', [0, 1]],
      ['wk-0', [2, 3]],
      ['wk-1', [0, 1]],
    ]);
  });

  it('count as one for maxContainers, and for the work that there is', () => {
    scheduler.observeFunction('fu-1', record(clustered(2, { maxContainers: 2 })));
    for (const id of ['wk-0', 'wk-1', 'wk-2', 'wk-3']) scheduler.observeWorker(machine(id), 0);
    scheduler.observeDemand(demand(9), 0);
    expect(starts(scheduler.decide(0))).toHaveLength(4);
  });

  it('end by the end of their leader when they are idle, which alone is asked to', () => {
    const reports = aReadyGang({ scaledownWindowMs: 2_000 });
    reports.tell(3_000);
    expect(scheduler.decide(3_000)).toMatchObject([{ type: 'stop', containerId: 'c0', reason: 'idle' }]);
    reports.change((container) =>
      container.containerId === 'c0' ? { ...container, state: 'draining' } : container,
    );
    reports.tell(3_100);
    expect(scheduler.decide(3_100)).toEqual([]);
    // Its worker tells the others; who seems not to have heard is told again.
    reports.change((container) => {
      if (container.containerId === 'c0') return undefined;
      return container.containerId === 'c1' ? { ...container, state: 'draining' } : container;
    });
    reports.tell(3_200);
    expect(scheduler.decide(3_200)).toMatchObject([{ type: 'stop', containerId: 'c2' }]);
    reports.change(() => undefined);
    reports.tell(3_300);
    expect(scheduler.decide(3_300)).toEqual([]);
  });

  it.each(['c0', 'c1', 'c2'])(
    'are killed when one of them, %s, is gone, and a whole new gang starts',
    (gone) => {
      const reports = aReadyGang();
      reports.change((container) => (container.containerId === gone ? undefined : container));
      scheduler.observeDemand(demand(1), 100);
      reports.tell(100);
      const killed = scheduler.decide(100).filter(({ type }) => type === 'kill');
      const left = ['c0', 'c1', 'c2'].filter((id) => id !== gone);
      expect(killed.map((action) => 'containerId' in action && action.containerId).sort()).toEqual(left);
      expect(scheduler.decide(150).filter(({ type }) => type === 'kill')).toEqual([]);
      reports.change(() => undefined);
      reports.tell(200);
      expect(
        starts(scheduler.decide(200)).map((action) => action.type === 'start' && action.gang?.containerIds),
      ).toEqual(Array(3).fill(['c3', 'c4', 'c5']));
    },
  );

  it('are killed when the machine of one of them is lost, and the kill is repeated while it is not heard', () => {
    const reports = aReadyGang({ minContainers: 1 });
    const lost = (workerId: string): boolean => workerId === 'wk-1';
    let killed: Action[] = [];
    for (let nowMs = 1_000; killed.length === 0 && nowMs < 20_000; nowMs += 1_000) {
      reports.tell(nowMs, (workerId) => !lost(workerId));
      killed = scheduler.decide(nowMs).filter(({ type }) => type === 'kill');
    }
    expect(killed).toMatchObject([{ workerId: 'wk-0' }, { workerId: 'wk-0' }]);
    reports.tell(30_000, (workerId) => !lost(workerId));
    expect(scheduler.decide(30_000).filter(({ type }) => type === 'kill')).toHaveLength(2);
  });

  it('are killed when a worker refuses one of them', () => {
    scheduler.observeFunction('fu-1', record(clustered(2)));
    scheduler.observeWorker(machine('wk-0'), 0);
    scheduler.observeDemand(demand(1), 0);
    scheduler.decide(0);
    scheduler.observeRefusal('c1', 10);
    expect(scheduler.decide(10)).toMatchObject([{ type: 'kill', containerId: 'c0' }]);
    // The machine that refused gets none for a moment.
    expect(starts(scheduler.decide(2_000))).toHaveLength(0);
  });

  it('that a new scheduler hears of one after the other are left alone until all workers have reported', () => {
    const reports = aReadyGang();
    scheduler = newScheduler(500);
    scheduler.observeFunction('fu-1', record(clustered(3)));
    reports.tell(1_000 - 900, (workerId) => workerId === 'wk-0');
    expect(scheduler.decide(100)).toEqual([]);
    reports.tell(200);
    expect(scheduler.decide(600)).toEqual([]);
  });

  it('of whom a new scheduler never hears all are killed', () => {
    const reports = aReadyGang();
    scheduler = newScheduler(500);
    scheduler.observeFunction('fu-1', record(clustered(3)));
    reports.tell(100, (workerId) => workerId === 'wk-0');
    expect(scheduler.decide(100)).toEqual([]);
    expect(scheduler.decide(600).filter(({ type }) => type === 'kill')).toHaveLength(2);
  });
});

describe('gangs that do not all fit', () => {
  const other = { pool: 'fu-2', functionId: 'fu-2' };

  it('wait for each other whole: the idle one gives way as one, and the next one starts when all have left', () => {
    const reports = aReadyGang();
    scheduler.observeFunction('fu-2', record(clustered(4), { id: 'fu-2' }));
    scheduler.observeDemand({ ...demand(1), ...other }, 2_000);
    expect(scheduler.decide(2_000)).toMatchObject([
      { type: 'stop', containerId: 'c0', reason: 'idle, and "f" needs its room' },
    ]);
    reports.change(({ containerId, ...rest }) =>
      containerId === 'c2' ? { containerId, ...rest, state: 'draining' } : undefined,
    );
    reports.tell(2_100);
    expect(starts(scheduler.decide(2_100))).toEqual([]);
    reports.change(() => undefined);
    reports.tell(2_200);
    expect(starts(scheduler.decide(2_200))).toHaveLength(4);
  });

  it('take nothing from others while it would not be enough', () => {
    const reports = aReadyGang();
    scheduler.observeFunction('fu-2', record(clustered(5), { id: 'fu-2' }));
    scheduler.observeDemand({ ...demand(1), ...other }, 2_000);
    expect(stops(scheduler.decide(2_000))).toEqual([]);
    // What was considered for it is there for others.
    scheduler.observeFunction('fu-3', record({ cpu: 1, memoryMiB: 1 }, { id: 'fu-3' }));
    scheduler.observeDemand({ ...demand(1), pool: 'fu-3', functionId: 'fu-3' }, 2_100);
    reports.tell(2_100);
    expect(starts(scheduler.decide(2_100))).toMatchObject([{ pool: 'fu-3' }]);
  });

  it('of two versions follow each other: an old gang ends where there is no room for both', () => {
    const reports = aReadyGang({ minContainers: 1 });
    const next = record(clustered(3, { minContainers: 1 }), { version: 2 });
    scheduler.observeFunction('fu-1', next);
    reports.tell(5_000);
    expect(scheduler.decide(5_000)).toMatchObject([
      { type: 'stop', containerId: 'c0', reason: 'version 2 needs its room' },
    ]);
    reports.change(() => undefined);
    reports.tell(5_100);
    expect(starts(scheduler.decide(5_100))).toHaveLength(3);
  });

  it('are ended as one for a single container, also where only another rank than the leader is in the way', () => {
    aReadyGang();
    scheduler.observeFunction('fu-2', record({ cpu: 2, memoryMiB: 1 }, { id: 'fu-2' }));
    scheduler.observeDemand({ ...demand(1), ...other }, 2_000);
    expect(stops(scheduler.decide(2_000))).toMatchObject([{ containerId: 'c0' }]);
  });
});

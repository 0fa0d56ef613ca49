import type { FunctionOptionsSpec, GpuDevice, WorkerStatus } from '@gantry/protocol';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import { chooseGpus } from './gpu-alternatives.ts';
import { countKinds, isOfType, kindOf } from './gpu-types.ts';
import type { FleetContainer } from './fleet-container.ts';
import { Room } from './room.ts';
import type { Action } from './round.ts';
import { demand, record, starts, stops, worker } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

const devices = (type: string, count: number, memoryMiB = 81_559): GpuDevice[] =>
  Array.from({ length: count }, (_, index) => ({ index, type, memoryMiB }));

const machine = (workerId: string, gpus: GpuDevice[], changes: Partial<WorkerStatus> = {}): WorkerStatus =>
  worker([], { workerId, capacity: { cpu: 16, memoryMiB: 65_536, gpus }, ...changes });

describe('a type that is asked for', () => {
  it.each([
    ['ANY', 'T4', 15_360, true],
    ['T4', 'T4', 15_360, true],
    ['A10', 'A10G', 23_028, false],
    ['A100', 'A100-80GB', 81_920, true],
    ['A100-80GB', 'A100-80GB', 81_920, true],
    ['A100-40GB', 'A100-80GB', 81_920, false],
    ['H100-80GB', 'H100', 81_559, true],
    ['H100-96GB', 'H100', 81_559, false],
    ['T4-16GB', 'T4', 15_360, true],
    ['RTX', 'RTX-4090', 24_564, true],
    ['RTX-4090-24GB', 'RTX-4090', 24_564, true],
    ['H100', 'H200', 143_771, false],
  ])('%s, is it a %s with %i MiB: %s', (asked, type, memoryMiB, is) => {
    expect(isOfType({ type, memoryMiB }, asked)).toBe(is);
  });
});

describe('containers with GPUs', () => {
  let scheduler: Scheduler;
  beforeEach(() => {
    scheduler = new Scheduler();
  });

  function startOf(options: FunctionOptionsSpec, machines: WorkerStatus[]): Action[] {
    scheduler.observeFunction('fu-1', record(options));
    for (const status of machines) scheduler.observeWorker(status, 0);
    scheduler.observeDemand(demand(1), 0);
    return scheduler.decide(0);
  }

  it('get so many of one type, on one machine, by index', () => {
    const machines = [machine('wk-1', devices('T4', 1)), machine('wk-2', devices('T4', 3))];
    expect(startOf({ gpu: ['T4:2'] }, machines)).toMatchObject([{ workerId: 'wk-2', gpus: [0, 1] }]);
  });

  it('get what is preferred where there is some, and else the next', () => {
    const machines = [machine('wk-1', devices('T4', 4)), machine('wk-2', devices('H100', 1))];
    expect(startOf({ gpu: ['H100', 'T4:2'] }, machines)).toMatchObject([{ workerId: 'wk-2', gpus: [0] }]);
    scheduler.observeFunction('fu-2', record({ gpu: ['H100', 'T4:2'] }, { id: 'fu-2' }));
    scheduler.observeDemand({ ...demand(1), pool: 'fu-2', functionId: 'fu-2' }, 10);
    expect(scheduler.decide(10)).toMatchObject([{ workerId: 'wk-1', gpus: [0, 1] }]);
  });

  it('wait, with a reason, where no machine has such ones, and start when one comes', () => {
    expect(startOf({ gpu: ['H100'] }, [machine('wk-1', devices('T4', 8))])).toMatchObject([
      { type: 'unplaceable', reason: 'noRoom' },
    ]);
    scheduler.observeWorker(machine('wk-2', devices('H100-80GB', 1)), 1_000);
    expect(scheduler.decide(1_000)).toMatchObject([{ type: 'start', workerId: 'wk-2', gpus: [0] }]);
  });

  it('share none, also when another scheduler takes over', () => {
    const busy = { containerId: 'c1', running: 1, gpus: [0, 2] };
    const status = worker([busy], { capacity: { cpu: 16, memoryMiB: 65_536, gpus: devices('T4', 4) } });
    scheduler.observeFunction('fu-1', record({ gpu: ['T4:2'] }));
    scheduler.observeFunction('fu-2', record({ gpu: ['T4'] }, { id: 'fu-2' }));
    scheduler.observeWorker(status, 0);
    for (const pool of ['fu-2', 'fu-3', 'fu-4']) {
      scheduler.observeFunction(pool, record({ gpu: ['T4'] }, { id: pool }));
      scheduler.observeDemand({ ...demand(1), pool, functionId: pool }, 0);
    }
    const actions = scheduler.decide(0);
    expect(starts(actions).map((start) => (start as { gpus?: number[] }).gpus)).toEqual([[1], [3]]);
    expect(actions.filter(({ type }) => type === 'unplaceable')).toHaveLength(1);
  });

  it('have idle ones of others give way to them', () => {
    const idle = { containerId: 'idle', idleSinceMs: 1, gpus: [0] };
    scheduler.observeFunction('fu-1', record({ gpu: ['T4'] }));
    const status = worker([idle], { capacity: { cpu: 16, memoryMiB: 65_536, gpus: devices('T4', 1) } });
    scheduler.observeWorker(status, 0);
    scheduler.observeFunction('fu-2', record({ gpu: ['ANY'] }, { id: 'fu-2' }));
    scheduler.observeDemand({ ...demand(1), pool: 'fu-2', functionId: 'fu-2' }, 2_000);
    expect(stops(scheduler.decide(2_000))).toMatchObject([{ containerId: 'idle' }]);
  });

  it('keep their machines for themselves while others have room for what needs none', () => {
    const machines = [
      machine('wk-1', devices('T4', 1)),
      worker([{ containerId: 'x', pool: 'fu-9', functionId: 'fu-9', running: 1 }], { workerId: 'wk-2' }),
    ];
    expect(starts(startOf({}, machines))).toMatchObject([{ workerId: 'wk-2' }]);
    expect(starts(startOf({ cpu: 8 }, machines))).toMatchObject([{ workerId: 'wk-1' }]);
  });
});

describe('containers that do not run everywhere', () => {
  const at = (workerId: string, labels: WorkerStatus['labels']) => worker([], { workerId, labels });
  const machines = [
    at('wk-1', { region: 'us-east-1', cloud: 'aws' }),
    at('wk-2', { region: 'eu-west-2', cloud: 'own', others: ['uk', 'rack-4'] }),
    { ...at('wk-3', {}), driver: { name: 'd', images: true, isolation: true, nodeVersion: '24.0.0' } },
    {
      ...at('wk-4', { region: 'ap-1' }),
      driver: { name: 'd', images: true, privateNetwork: 'region' as const, nodeVersion: '24.0.0' },
    },
  ];

  it.each([
    [{ region: ['us'] }, 'wk-1'],
    [{ region: ['us-east-1'] }, 'wk-1'],
    [{ region: ['us-west', 'UK'] }, 'wk-2'],
    [{ region: ['rack-4'] }, 'wk-2'],
    [{ cloud: 'AWS' }, 'wk-1'],
    [{ blockNetwork: true }, 'wk-3'],
    [{ blockNetwork: true, cloud: 'aws' }, undefined],
    [{ privateNetwork: true }, 'wk-4'],
    [{ privateNetwork: true, region: ['ap'] }, 'wk-4'],
    [{ privateNetwork: true, blockNetwork: true }, undefined],
    [{ region: ['eu'], cloud: 'aws' }, undefined],
    [{ region: ['us-east-11'] }, undefined],
    [{ region: ['u'] }, undefined],
  ])('start where %j is, on %s', (options, workerId) => {
    const scheduler = new Scheduler();
    scheduler.observeFunction('fu-1', record(options));
    for (const status of machines) scheduler.observeWorker(status, 0);
    scheduler.observeDemand(demand(1), 0);
    const [action] = scheduler.decide(0);
    expect(action).toMatchObject(
      workerId === undefined ? { type: 'unplaceable' } : { type: 'start', workerId },
    );
  });

  it('do not keep others from where they find no room', () => {
    const scheduler = new Scheduler();
    scheduler.observeWorker(worker([], { labels: { region: 'us' } }), 0);
    scheduler.observeFunction('fu-1', record({ region: ['eu'] }));
    scheduler.observeFunction('fu-2', record({ cpu: 1, memoryMiB: 1_024 }, { id: 'fu-2' }));
    scheduler.observeDemand(demand(1), 0);
    scheduler.observeDemand({ ...demand(1), pool: 'fu-2', functionId: 'fu-2' }, 0);
    expect(starts(scheduler.decide(0))).toMatchObject([{ pool: 'fu-2' }]);
  });
});

it('a machine gives away no more disk than it has', () => {
  const scheduler = new Scheduler();
  scheduler.observeFunction('fu-1', record({ ephemeralDiskMiB: 600 }));
  scheduler.observeWorker(worker([], { capacity: { cpu: 8, memoryMiB: 8_192, diskMiB: 1_000 } }), 0);
  scheduler.observeDemand(demand(3), 0);
  expect(starts(scheduler.decide(0))).toHaveLength(1);
});

it('idle containers of a function that is nonpreemptible give way to nobody', () => {
  const scheduler = new Scheduler();
  scheduler.observeFunction('fu-1', record({ cpu: 4, nonpreemptible: true }));
  scheduler.observeFunction('fu-2', record({ cpu: 4 }, { id: 'fu-2' }));
  scheduler.observeWorker(worker([{ containerId: 'idle', idleSinceMs: 1 }]), 0);
  scheduler.observeDemand({ ...demand(1), pool: 'fu-2', functionId: 'fu-2' }, 10_000);
  expect(stops(scheduler.decide(10_000))).toEqual([]);
});

const FLEET: Readonly<Record<string, GpuDevice[]>> = {
  'wk-1': devices('T4', 3),
  'wk-2': [...devices('H100', 2), { index: 7, type: 'T4', memoryMiB: 81_559 }],
  'wk-3': [],
};

/** The machines of {@link FLEET}, and what was placed on them. */
class PlacedFleet {
  readonly #room = new Room();
  readonly #placed: FleetContainer[] = [];

  constructor() {
    for (const [workerId, gpus] of Object.entries(FLEET)) {
      const capacity = { cpu: 100, memoryMiB: 100_000, gpus: countKinds(gpus) };
      this.#room.setMachine(workerId, { capacity, isOpen: true, gpus });
    }
  }

  removeOne(at: number): void {
    const [gone] = this.#placed.splice(at % Math.max(1, this.#placed.length), 1);
    if (gone) this.#room.remove(gone);
  }

  /** Places a container as the scheduler would. */
  place(containerId: string, wishes: readonly string[] | undefined): void {
    const alternatives = this.#room.alternatives({ cpu: 1, memoryMiB: 1 }, wishes);
    for (const need of alternatives) {
      const workerId = this.#room.place({ functionId: 'f', need });
      if (workerId !== undefined) return this.#add({ containerId, workerId, need });
      for (const [kind, count] of Object.entries(need.gpus ?? {})) {
        for (const id of Object.keys(FLEET)) expect(this.#freeOn(id, kind).length).toBeLessThan(count);
      }
    }
  }

  #add(start: Pick<FleetContainer, 'containerId' | 'workerId' | 'need'>): void {
    const gpus = this.#room.freeGpus(start.workerId, start.need);
    const free = Object.keys(start.need.gpus ?? {}).flatMap((kind) => this.#freeOn(start.workerId, kind));
    expect(gpus).toHaveLength(Object.values(start.need.gpus ?? {}).reduce((sum, count) => sum + count, 0));
    expect(free).toEqual(expect.arrayContaining(gpus));
    const rest = { pool: 'p', functionId: 'f', version: 1, running: 1, maxInputs: 1, gpus };
    const container: FleetContainer = { ...start, ...rest, state: 'ready' };
    this.#room.add(container);
    this.#placed.push(container);
  }

  #freeOn(workerId: string, kind: string): number[] {
    const used = this.#placed.filter((one) => one.workerId === workerId).flatMap(({ gpus = [] }) => gpus);
    const own = (FLEET[workerId] ?? []).filter((device) => kindOf(device) === kind);
    return own.map(({ index }) => index).filter((index) => !used.includes(index));
  }
}

it('no GPU is ever given twice, and one is found whenever there is one, however containers come and go', () => {
  const step = fc.record({
    wishes: fc.constantFrom(['T4'], ['T4:2'], ['H100', 'T4'], ['ANY:2'], ['H100:2', 'ANY'], undefined),
    remove: fc.boolean(),
    at: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const fleet = new PlacedFleet();
      for (const [number, { wishes, remove, at }] of steps.entries()) {
        if (remove) fleet.removeOne(at);
        fleet.place(`c${number}`, wishes);
      }
    }),
  );
});

describe('GPUs of one machine, chosen by hand', () => {
  const mixed = [
    ...devices('T4', 2),
    ...devices('H100', 2).map((each) => ({ ...each, index: each.index + 2 })),
  ];

  it.each([
    ['nobody wishes any', undefined, [], []],
    ['one is free', ['T4'], [0], [1]],
    ['the first wish is taken', ['H100:2', 'T4'], [3], [0]],
    ['enough are free, but of two kinds', ['ANY:3'], [], undefined],
    ['all are taken', ['T4'], [0, 1], undefined],
    ['there are none of that type', ['B200'], [], undefined],
  ])('when %s', (_, wishes, taken, chosen) => {
    expect(chooseGpus(mixed, new Set(taken), wishes)).toEqual(chosen);
  });
});

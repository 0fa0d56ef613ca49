import { parseArgs } from 'node:util';

import { type Action, Scheduler } from '@gantry/scheduling';

import { SimulatedCluster, type SimulatedFunction } from './simulated-cluster.ts';

// Feeds the real scheduler with what happens in a simulated cluster, one event after the other, and measures what
// each costs: to take it in, and to decide. A server takes in several events before it decides; here none shares.

const { values } = parseArgs({
  options: {
    functions: { type: 'string', default: '1000' },
    places: { type: 'string', default: '128' },
    events: { type: 'string', default: '20000' },
  },
});
const functions = Number(values.functions);
const shape = {
  functions,
  workers: functions / 10,
  containersPerFunction: 10,
  placesPerWorker: Number(values.places),
};
const REPORTS_PER_WORKER_AND_SECOND = 1;
const WARM_UP_SHARE = 0.1;

/** What an ordinary event does: most are reports, some are new work, a few change the cluster. */
const KINDS = [
  ['report', 0.7],
  ['demand', 0.28],
  ['deploy', 0.01],
  ['settings', 0.008],
  ['lostWorker', 0.001],
  ['newWorker', 0.001],
] as const;
type Kind = (typeof KINDS)[number][0] | 'backlog' | 'refusal' | 'tick';

export interface SchedulerSamples {
  containers: number;
  /** Milliseconds of each event. */
  costsMs: number[];
  /** Milliseconds to take in the whole cluster at once, as after a change of leader. */
  takeOverMs: number;
  memoryMiB: number;
  actions: number;
}

class Load {
  readonly cluster = new SimulatedCluster(shape, 7);
  readonly costsMs: number[] = [];
  readonly #scheduler = new Scheduler();
  readonly #stepMs = 1_000 / ((shape.workers * REPORTS_PER_WORKER_AND_SECOND) / 0.7);
  #nowMs = 1_000_000;
  actions = 0;
  #nextWorker = 0;

  takeOver(): number {
    this.cluster.populate(this.#nowMs - 10_000);
    const reports = [...this.cluster.workers.keys()].map((id) => this.cluster.report(id, this.#nowMs));
    const actions: Action[] = [];
    const start = performance.now();
    for (const { record } of this.cluster.functions) this.#scheduler.observeFunction(record.id, record);
    for (const report of reports) this.#scheduler.observeWorker(report, this.#nowMs);
    do actions.push(...this.#scheduler.decide(this.#nowMs));
    while (this.#scheduler.isBehind);
    const tookMs = performance.now() - start;
    this.#perform(actions);
    return tookMs;
  }

  next(): void {
    this.#nowMs += this.#stepMs;
    let share = this.cluster.random();
    for (const [kind, part] of KINDS) {
      share -= part;
      if (share < 0) return this.#happen(kind);
    }
    this.#happen('tick');
  }

  #happen(kind: Kind): void {
    const { cluster } = this;
    switch (kind) {
      case 'report':
        return this.#report();
      case 'demand':
        return this.#submit(cluster.pick(cluster.functions));
      case 'deploy':
        return this.#deploy(cluster.pick(cluster.functions));
      case 'settings':
        return this.#tune(cluster.pick(cluster.functions));
      case 'lostWorker':
        cluster.loseWorker(cluster.pick([...cluster.workers.keys()]));
        return this.#measure(() => undefined);
      case 'newWorker':
        if (cluster.workers.size < shape.workers) cluster.addWorker();
        return this.#measure(() => undefined);
      default:
        return this.#measure(() => undefined);
    }
  }

  #report(): void {
    const workerIds = [...this.cluster.workers.keys()];
    const workerId = workerIds[this.#nextWorker++ % workerIds.length] ?? '';
    const status = this.cluster.report(workerId, this.#nowMs);
    this.#measure(() => this.#scheduler.observeWorker(status, this.#nowMs));
  }

  #submit(simulated: SimulatedFunction): void {
    const inputs = 1 + Math.floor(this.cluster.random() * 30);
    simulated.waiting += inputs;
    const { id } = simulated.record;
    const demand = { pool: id, functionId: id, parameters: {}, inputs, waitingRequests: 0, from: 'server' };
    this.#measure(() => this.#scheduler.observeDemand(demand, this.#nowMs));
  }

  #deploy(simulated: SimulatedFunction): void {
    simulated.record = { ...simulated.record, version: simulated.record.version + 1 };
    this.#measure(() => this.#scheduler.observeFunction(simulated.record.id, simulated.record));
  }

  #tune({ record: { id, version } }: SimulatedFunction): void {
    const settings = { minContainers: Math.floor(this.cluster.random() * 20) };
    const live = { functionId: id, pool: id, parameters: {}, version, settings };
    this.#measure(() => this.#scheduler.observeAutoscaler(live, live));
  }

  #perform(actions: readonly Action[]): void {
    for (const action of actions) {
      if (action.type === 'stop') this.cluster.stop(action.workerId, action.containerId);
      else if (action.type === 'start' && !this.cluster.start(action, this.#nowMs)) {
        this.#measure(() => this.#scheduler.observeRefusal(action.containerId, this.#nowMs));
      }
    }
  }

  // What a server does on every event; the queue's answers are events of their own.
  #measure(observe: () => void): void {
    const start = performance.now();
    observe();
    const looks = this.#scheduler.poolsToLookAt(this.#nowMs);
    const actions = this.#scheduler.decide(this.#nowMs);
    void this.#scheduler.isBusy;
    this.costsMs.push(performance.now() - start);
    this.actions += actions.length;
    this.#perform(actions);
    if (this.#scheduler.isBehind) this.#measure(() => undefined);
    for (const look of looks) {
      const simulated = this.cluster.functions[Number(look.functionId.slice(3))];
      if (!simulated) continue;
      const backlog = { waiting: simulated.waiting, delivered: this.cluster.deliveredOf(simulated) };
      this.#measure(() => this.#scheduler.observeBacklog(look, backlog, this.#nowMs));
    }
  }
}

const load = new Load();
const takeOverMs = load.takeOver();
const events = Number(values.events);
while (load.costsMs.length < events * (1 + WARM_UP_SHARE)) load.next();
const containers = [...load.cluster.workers.values()].reduce((sum, own) => sum + own.size, 0);
const samples: SchedulerSamples = {
  containers,
  costsMs: load.costsMs.slice(-events),
  takeOverMs,
  memoryMiB: process.memoryUsage().rss / 2 ** 20,
  actions: load.actions,
};
console.log(JSON.stringify(samples));

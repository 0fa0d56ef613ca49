import type { ContainerStatus, FunctionRecord, GangPlace, WorkerStatus } from '@gantry/protocol';
import { gangSeat } from '@gantry/protocol';
import { expect } from 'vitest';

import type { Action } from './round.ts';
import { record, startedStatus } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

// Machines of two regions, gangs and single containers that do not all fit, machines and containers that die. Derived
// from one seed, as the other simulation.

const STEP_MS = 50;
const CPU = 2;

interface Simulated {
  status: ContainerStatus;
  place: GangPlace | undefined;
  readyAtMs: number;
  endsAtMs: number | undefined;
}

interface Calls {
  record: FunctionRecord;
  waiting: number;
  served: number;
  submitted: number;
}

interface Machine {
  region: string;
  alive: boolean;
  containers: Map<string, Simulated>;
}

export class GangSimulation {
  nowMs = 0;
  readonly functions: Calls[] = [];
  readonly machines = new Map<string, Machine>();
  readonly scheduler: Scheduler;
  readonly #random: () => number;
  #containers = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.scheduler = new Scheduler({ newContainerId: () => `c${++this.#containers}`, settlesAtMs: 500 });
    for (const [index, region] of ['a', 'a', 'b', 'b'].entries()) {
      this.machines.set(`wk-${index}`, { region, alive: true, containers: new Map() });
    }
    // Two gangs that take a region each, one that takes more than one machine, and what fits between.
    this.#add('fu-1', { cpu: 1, cluster: { size: 4 } });
    this.#add('fu-2', { cpu: 1, cluster: { size: 4 } });
    this.#add('fu-3', { cpu: 1, cluster: { size: 3 }, maxContainers: 1 });
    this.#add('fu-4', { cpu: 0.5, cluster: { size: 2 }, maxContainers: 2 });
    this.#add('fu-5', { cpu: 0.5 });
  }

  #add(id: string, options: FunctionRecord['spec']['options']): void {
    const common = { memoryMiB: 1, scaledownWindowMs: 2_000, privateNetwork: options.cluster !== undefined };
    const made = record({ ...common, ...options }, { id });
    this.functions.push({ record: made, waiting: 0, served: 0, submitted: 0 });
    this.scheduler.observeFunction(id, made);
  }

  step(mayDisturb: boolean): void {
    this.nowMs += STEP_MS;
    if (mayDisturb) this.#disturb();
    this.#work();
    if (this.nowMs % 200 === 0) this.#report();
    for (const pool of this.scheduler.poolsToLookAt(this.nowMs)) this.#look(pool);
    this.#act();
    this.#check();
  }

  #disturb(): void {
    for (const calls of this.functions) {
      if (this.#random() > 0.01) continue;
      const inputs = 1 + Math.floor(this.#random() * 2);
      calls.waiting += inputs;
      calls.submitted += inputs;
      const { id } = calls.record;
      this.scheduler.observeDemand(
        { pool: id, functionId: id, parameters: {}, inputs, waitingRequests: 0, from: 's' },
        this.nowMs,
      );
    }
    for (const machine of this.machines.values()) {
      if (this.#random() < (machine.alive ? 0.001 : 0.02)) this.#toggle(machine);
      for (const container of [...machine.containers.values()])
        if (this.#random() < 0.002) this.#end(container);
    }
  }

  #toggle(machine: Machine): void {
    for (const container of machine.containers.values()) this.#giveBack(container);
    machine.containers.clear();
    machine.alive = !machine.alive;
  }

  // Whoever ends while the machine of its leader works ends the others, too, as workers see to it.
  #end(container: Simulated): void {
    const gang = this.#gangOf(container);
    const leader = gang.find(({ status }) => status.gang?.rank === 0);
    for (const { status } of leader ? gang : [container]) {
      const found = this.#machineOf(status.containerId);
      const simulated = found?.containers.get(status.containerId);
      if (simulated) this.#giveBack(simulated);
      found?.containers.delete(status.containerId);
    }
  }

  #giveBack(container: Simulated): void {
    if (container.endsAtMs === undefined) return;
    this.#callsOf(container.status.functionId).waiting++;
    container.endsAtMs = undefined;
  }

  #work(): void {
    for (const { alive, containers } of this.machines.values()) {
      if (!alive) continue;
      for (const container of [...containers.values()]) this.#advance(container);
    }
  }

  #advance(container: Simulated): void {
    const { status } = container;
    const gang = this.#gangOf(container);
    const isWhole = gang.length === sizeOf(container);
    if (status.state === 'starting' && isWhole && gang.every(({ readyAtMs }) => readyAtMs <= this.nowMs)) {
      Object.assign(status, { state: 'ready', readyAtMs: this.nowMs, idleSinceMs: this.nowMs });
    }
    if (leads(container)) this.#serve(container, isWhole);
    const isRunning = gang.some(({ endsAtMs }) => endsAtMs !== undefined);
    status.running = isRunning ? 1 : 0;
    status.idleSinceMs = isRunning ? undefined : (status.idleSinceMs ?? this.nowMs);
    if (leads(container) && status.state === 'draining' && !isRunning) this.#end(container);
  }

  #serve(container: Simulated, isWhole: boolean): void {
    const calls = this.#callsOf(container.status.functionId);
    if (container.endsAtMs !== undefined && container.endsAtMs <= this.nowMs) {
      container.endsAtMs = undefined;
      calls.served++;
    }
    const takes = container.status.state === 'ready' && isWhole && container.endsAtMs === undefined;
    if (!takes || calls.waiting === 0) return;
    calls.waiting--;
    container.endsAtMs = this.nowMs + 50 + Math.floor(this.#random() * 500);
  }

  #report(): void {
    for (const [workerId, { alive, containers, region }] of this.machines) {
      if (!alive) continue;
      const status: WorkerStatus = {
        ...{ workerId, hostname: workerId, startedAtMs: 0, draining: false, labels: { region } },
        capacity: { cpu: CPU, memoryMiB: 4_096 },
        driver: { name: 'd', images: true, privateNetwork: 'region', nodeVersion: '24.0.0' },
        containers: [...containers.values()].map((container) => ({ ...container.status })),
      };
      this.scheduler.observeWorker(status, this.nowMs);
    }
  }

  #look(pool: { pool: string; functionId: string }): void {
    const running = this.#all().filter(
      ({ status, endsAtMs }) => status.functionId === pool.functionId && endsAtMs !== undefined,
    );
    const { waiting } = this.#callsOf(pool.functionId);
    this.scheduler.observeBacklog(pool, { waiting, delivered: running.length }, this.nowMs);
  }

  #act(): void {
    const actions = this.scheduler.decide(this.nowMs);
    this.#expectWhole(actions);
    let isRefused = false;
    for (const action of actions) {
      if (action.type === 'start') isRefused = !this.#start(action) || isRefused;
      else if (action.type === 'stop' || action.type === 'kill') this.#stop(action);
    }
    if (isRefused || this.scheduler.isBehind) this.#act();
  }

  #start(action: Extract<Action, { type: 'start' }>): boolean {
    const machine = this.machines.get(action.workerId);
    if (machine?.alive && this.#random() > 0.01) {
      machine.containers.set(action.containerId, this.#newContainer(action));
      return true;
    }
    this.scheduler.observeRefusal(action.containerId, this.nowMs);
    return false;
  }

  // One in twenty is never heard.
  #stop({ type, containerId }: Extract<Action, { type: 'stop' | 'kill' }>): void {
    const machine = this.#machineOf(containerId);
    const container = machine?.containers.get(containerId);
    if (!machine || !container || this.#random() < 0.05) return;
    if (type === 'stop' && leads(container)) {
      container.status.state = 'draining';
      return;
    }
    this.#end(container);
    machine.containers.delete(containerId);
  }

  /** All or none, and where they reach each other. */
  #expectWhole(actions: readonly Action[]): void {
    const started = actions.filter((action) => action.type === 'start');
    for (const {
      gang,
      record: { spec },
    } of started) {
      expect(gang?.containerIds.length).toBe(spec.options.cluster?.size);
      if (!gang || gang.rank > 0) continue;
      const others = started.filter((other) => other.gang?.containerIds === gang.containerIds);
      expect(others.map((other) => other.gang?.rank)).toEqual(gang.containerIds.map((_, rank) => rank));
      expect(new Set(others.map(({ workerId }) => this.machines.get(workerId)?.region)).size).toBe(1);
    }
  }

  #check(): void {
    for (const { containers } of this.machines.values()) {
      const used = [...containers.values()].reduce((sum, { status }) => {
        return sum + Number(this.#callsOf(status.functionId).record.spec.options.cpu);
      }, 0);
      expect(used).toBeLessThanOrEqual(CPU);
    }
    for (const {
      record: { id, spec },
    } of this.functions) {
      const leaders = this.#all().filter(
        ({ status }) =>
          status.functionId === id && (status.gang?.rank ?? 0) === 0 && status.state !== 'draining',
      );
      const serving = leaders.filter((leader) => this.#gangOf(leader).length === sizeOf(leader));
      expect(serving.length).toBeLessThanOrEqual(spec.options.maxContainers ?? 100);
    }
  }

  /** Containers of gangs that lack somebody. */
  get halves(): string[] {
    return this.#all()
      .filter((container) => this.#gangOf(container).length !== sizeOf(container))
      .map(({ status }) => status.containerId);
  }

  get containers(): number {
    return this.#all().length;
  }

  #newContainer({ containerId, record, gang }: Extract<Action, { type: 'start' }>): Simulated {
    const started = startedStatus(containerId, { record, atMs: this.nowMs });
    const status = { ...started, ...(gang && { gang: gangSeat(gang) }) };
    const readyAtMs = this.nowMs + 50 + Math.floor(this.#random() * 1_000);
    return { status, place: gang, readyAtMs, endsAtMs: undefined };
  }

  #gangOf(container: Simulated): Simulated[] {
    const leader = container.status.gang?.leader;
    if (leader === undefined) return [container];
    return this.#all().filter(({ status }) => status.gang?.leader === leader);
  }

  #all(): Simulated[] {
    return [...this.machines.values()].flatMap(({ alive, containers }) =>
      alive ? [...containers.values()] : [],
    );
  }

  #machineOf(containerId: string): Machine | undefined {
    return [...this.machines.values()].find(({ containers }) => containers.has(containerId));
  }

  #callsOf(id: string): Calls {
    const found = this.functions.find(({ record }) => record.id === id);
    if (!found) throw new Error(`no function ${id}`);
    return found;
  }
}

function leads({ status }: Simulated): boolean {
  return (status.gang?.rank ?? 0) === 0;
}

function sizeOf({ status }: Simulated): number {
  return status.gang?.size ?? 1;
}

import type { ContainerStatus, FunctionRecord, WorkerStatus } from '@gantry/protocol';
import { expect } from 'vitest';

import type { Action } from './round.ts';
import { record, startedStatus } from './scheduler.fixture.ts';
import { Scheduler } from './scheduler.ts';

// A cluster in miniature: inputs arrive in bursts, containers take time to start and to work, machines die and come
// back, commands get lost, versions change. Everything is derived from one seed and a clock that only the simulation
// moves. What must hold at every moment is checked after every step.

const STEP_MS = 50;
const CPU_EACH = 0.5;

interface SimulatedContainer {
  status: ContainerStatus;
  readyAtMs: number;
  /** When each of its running inputs ends. */
  ends: number[];
}

interface SimulatedFunction {
  record: FunctionRecord;
  waiting: number;
  served: number;
  submitted: number;
}

export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SimulationOptions {
  functions: number;
  workers: number;
  /** Cores of each worker. */
  cpu: number;
  scaledownWindowMs: number;
  /** Share of the commands that never arrive. @defaultValue 0 */
  lostCommands?: number;
  /** Whether new versions are deployed. @defaultValue false */
  redeploys?: boolean;
}

export class Simulation {
  nowMs = 0;
  readonly random: () => number;
  readonly functions: SimulatedFunction[] = [];
  readonly workers = new Map<string, { alive: boolean; containers: Map<string, SimulatedContainer> }>();
  readonly everStarted = new Set<string>();
  readonly scheduler: Scheduler;
  readonly #cpu: number;
  readonly #scaledownWindowMs: number;
  readonly #lostCommands: number;
  readonly #redeploys: boolean;
  #hasKilled = false;
  #containers = 0;

  constructor(seed: number, options: SimulationOptions) {
    const { functions, workers, cpu, scaledownWindowMs, lostCommands = 0, redeploys = false } = options;
    this.#lostCommands = lostCommands;
    this.#redeploys = redeploys;
    this.#cpu = cpu;
    this.#scaledownWindowMs = scaledownWindowMs;
    this.random = random(seed);
    this.scheduler = new Scheduler({ newContainerId: () => `c${++this.#containers}`, settlesAtMs: 500 });
    for (let i = 0; i < workers; i++) this.workers.set(`wk-${i}`, { alive: true, containers: new Map() });
    for (let i = 0; i < functions; i++) this.#addFunction(i);
  }

  #addFunction(index: number): void {
    const maxInputs = 1 + Math.floor(this.random() * 4);
    const options = {
      cpu: CPU_EACH,
      memoryMiB: 64,
      maxInputs,
      minContainers: this.random() < 0.3 ? 1 : 0,
      maxContainers: 1 + Math.floor(this.random() * 4),
      bufferContainers: this.random() < 0.3 ? 1 : 0,
      scaledownWindowMs: this.#scaledownWindowMs,
    };
    const made = record(options, { id: `fu-${index}` });
    this.functions.push({ record: made, waiting: 0, served: 0, submitted: 0 });
    this.scheduler.observeFunction(made.id, made);
  }

  step(mayDisturb: boolean, mayKill = true): void {
    this.nowMs += STEP_MS;
    if (mayDisturb) this.#submit();
    if (mayDisturb && this.#redeploys) this.#redeploy();
    if (mayDisturb && mayKill) this.#disturb();
    this.#work();
    if (this.nowMs % 200 === 0) this.#report();
    for (const pool of this.scheduler.poolsToLookAt(this.nowMs)) this.#look(pool);
    this.#act();
    this.#check();
  }

  /** Told everything again, without anything having happened: what the scheduler still wants done. */
  tellAgain(): Action[] {
    for (const { record } of this.functions) this.scheduler.observeFunction(record.id, record);
    return this.scheduler.decide(this.nowMs);
  }

  #redeploy(): void {
    for (const simulated of this.functions) {
      if (this.random() > 0.002) continue;
      simulated.record = { ...simulated.record, version: simulated.record.version + 1 };
      this.scheduler.observeFunction(simulated.record.id, simulated.record);
    }
  }

  #submit(): void {
    for (const simulated of this.functions) {
      if (this.random() > 0.03) continue;
      const inputs = 1 + Math.floor(this.random() * 20);
      simulated.waiting += inputs;
      simulated.submitted += inputs;
      const { id } = simulated.record;
      this.scheduler.observeDemand(
        { pool: id, functionId: id, parameters: {}, inputs, waitingRequests: 0, from: 's' },
        this.nowMs,
      );
    }
  }

  #disturb(): void {
    for (const worker of this.workers.values()) {
      if (worker.alive && this.random() < 0.002) this.#kill(worker);
      else if (!worker.alive && this.random() < 0.01) worker.alive = true;
    }
  }

  // The inputs of a lost machine are delivered again.
  #kill(worker: { alive: boolean; containers: Map<string, SimulatedContainer> }): void {
    worker.alive = false;
    this.#hasKilled = true;
    for (const { status, ends } of worker.containers.values())
      this.#functionOf(status.functionId).waiting += ends.length;
    worker.containers.clear();
  }

  #work(): void {
    for (const { alive, containers } of this.workers.values()) {
      if (!alive) continue;
      for (const [id, container] of containers) {
        const { status } = container;
        if (status.state === 'starting' && container.readyAtMs <= this.nowMs) {
          status.state = 'ready';
          status.readyAtMs = this.nowMs;
          status.idleSinceMs = this.nowMs;
        }
        const left = container.ends.filter((endMs) => endMs > this.nowMs);
        this.#functionOf(status.functionId).served += container.ends.length - left.length;
        container.ends = left;
        if (status.state === 'draining' && left.length === 0) containers.delete(id);
        else if (status.state === 'ready') this.#pull(container);
        status.running = container.ends.length;
      }
    }
  }

  #pull(container: SimulatedContainer): void {
    const simulated = this.#functionOf(container.status.functionId);
    while (simulated.waiting > 0 && container.ends.length < container.status.maxInputs) {
      simulated.waiting--;
      container.ends.push(this.nowMs + 50 + Math.floor(this.random() * 500));
    }
    if (container.ends.length > 0) container.status.idleSinceMs = undefined;
    else container.status.idleSinceMs ??= this.nowMs;
  }

  #report(): void {
    for (const [workerId, { alive, containers }] of this.workers) {
      if (!alive) continue;
      const status: WorkerStatus = {
        workerId,
        hostname: workerId,
        startedAtMs: 0,
        draining: false,
        capacity: { cpu: this.#cpu, memoryMiB: 4_096 },
        containers: [...containers.values()].map((container) => ({ ...container.status })),
      };
      this.scheduler.observeWorker(status, this.nowMs);
    }
  }

  #look(pool: { pool: string; functionId: string }): void {
    const { waiting } = this.#functionOf(pool.functionId);
    const delivered = this.live(pool.functionId).reduce((sum, container) => sum + container.ends.length, 0);
    this.scheduler.observeBacklog(pool, { waiting, delivered }, this.nowMs);
  }

  #act(): void {
    let hasRefused = false;
    for (const action of this.scheduler.decide(this.nowMs)) {
      if (action.type === 'start') {
        // D3.
        expect(this.everStarted.has(action.containerId)).toBe(false);
        this.everStarted.add(action.containerId);
        if (this.random() < this.#lostCommands) continue;
        const worker = this.workers.get(action.workerId);
        if (!worker?.alive) {
          this.scheduler.observeRefusal(action.containerId, this.nowMs);
          hasRefused = true;
        } else
          worker.containers.set(action.containerId, this.#newContainer(action.containerId, action.record));
      } else if (action.type === 'stop') {
        if (this.random() < this.#lostCommands) continue;
        const status = this.workers.get(action.workerId)?.containers.get(action.containerId)?.status;
        if (!status) continue;
        const isDecided = status.state !== 'draining' && action.reason !== 'repeated';
        if (isDecided) this.#expectSparing(status, action.reason);
        status.state = 'draining';
      }
    }
    if (hasRefused || this.scheduler.isBehind) this.#act();
  }

  #check(): void {
    for (const { record } of this.functions) {
      const { maxContainers = 0 } = record.spec.options;
      const versions = this.live(record.id).map(({ status }) => status.version);
      // D1.
      for (const version of new Set(versions)) {
        expect(versions.filter((other) => other === version).length).toBeLessThanOrEqual(maxContainers);
      }
    }
    // Nothing is placed where it does not fit; what is draining still takes its room.
    for (const { containers } of this.workers.values()) {
      expect(containers.size * CPU_EACH).toBeLessThanOrEqual(this.#cpu);
    }
  }

  // D2, D4: what is stopped is above the minimum, or of an old version that the current one has taken over from. A
  // machine that died a moment ago is still counted on.
  #expectSparing({ functionId, version }: ContainerStatus, reason: string): void {
    if (this.#hasKilled) return;
    const { record } = this.#functionOf(functionId);
    const live = this.live(functionId);
    if (version !== record.version) {
      if (reason.endsWith('needs its room')) return;
      const hasSuccessor = live.some(({ status }) => status.version > version && status.state === 'ready');
      expect(hasSuccessor || live.every(({ status }) => status.version < record.version)).toBe(true);
      return;
    }
    const { minContainers = 0 } = record.spec.options;
    expect(live.filter(({ status }) => status.version === version).length).toBeGreaterThan(minContainers);
  }

  get hasWork(): boolean {
    return this.functions.some(({ served, submitted }) => served < submitted);
  }

  /** True if a container could be started now, or in the place of one that is idle and not needed. */
  get hasRoom(): boolean {
    const used = [...this.workers.values()].filter(({ alive }) => alive);
    if (used.some(({ containers }) => containers.size < this.#cpu / CPU_EACH)) return true;
    return this.functions.some(({ record: { id, spec } }) => {
      const live = this.live(id);
      const idle = live.filter(({ status }) => this.nowMs - (status.idleSinceMs ?? this.nowMs) > 1_500);
      return idle.length > 0 && live.length > (spec.options.minContainers ?? 0);
    });
  }

  #newContainer(containerId: string, started: FunctionRecord): SimulatedContainer {
    const status = startedStatus(containerId, { record: started, atMs: this.nowMs });
    return { status, readyAtMs: this.nowMs + 50 + Math.floor(this.random() * 2_000), ends: [] };
  }

  live(functionId: string): SimulatedContainer[] {
    const all = [...this.workers.values()].flatMap(({ containers }) => [...containers.values()]);
    return all.filter(({ status }) => status.functionId === functionId && status.state !== 'draining');
  }

  #functionOf(id: string): SimulatedFunction {
    const found = this.functions.find(({ record }) => record.id === id);
    if (!found) throw new Error(`no function ${id}`);
    return found;
  }
}

import type { ContainerStatus, FunctionRecord, WorkerStatus } from '@gantry/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';

import { Scheduler } from './scheduler.ts';

// A cluster in miniature: inputs arrive in bursts, containers take time to start and to work, machines die
// and come back. Everything is derived from one seed and a clock that only the simulation moves.

const STEP_MS = 50;
const CPU_EACH = 0.5;
/** Thousands of decisions; how long they take says nothing on a machine that is busy with other tests. */
const SIMULATION_MS = 120_000;
/** Two seconds: an idle container is stopped, its end reported, another one asked for. */
const STARVED_AT_MOST_STEPS = 40;
const FILE = { digest: 'sha256-0', sizeBytes: 1 };

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

function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface SimulationOptions {
  functions: number;
  workers: number;
  /** Cores of each worker. */
  cpu: number;
  scaledownWindowMs: number;
}

class Simulation {
  nowMs = 0;
  readonly random: () => number;
  readonly functions: SimulatedFunction[] = [];
  readonly workers = new Map<string, { alive: boolean; containers: Map<string, SimulatedContainer> }>();
  readonly everStarted = new Set<string>();
  readonly scheduler: Scheduler;
  readonly #cpu: number;
  readonly #scaledownWindowMs: number;
  #hasKilled = false;
  #containers = 0;

  constructor(seed: number, options: SimulationOptions) {
    const { functions, workers, cpu, scaledownWindowMs } = options;
    this.#cpu = cpu;
    this.#scaledownWindowMs = scaledownWindowMs;
    this.random = random(seed);
    this.scheduler = new Scheduler({ newContainerId: () => `c${++this.#containers}`, settlesAtMs: 500 });
    for (let i = 0; i < workers; i++) this.workers.set(`wk-${i}`, { alive: true, containers: new Map() });
    for (let i = 0; i < functions; i++) this.#addFunction(i);
  }

  #addFunction(index: number): void {
    const maxInputs = 1 + Math.floor(this.random() * 4);
    const record: FunctionRecord = {
      id: `fu-${index}`,
      appId: 'ap-1',
      environment: 'main',
      version: 1,
      spec: {
        name: `f${index}`,
        kind: 'function',
        site: { file: 'a.ts', line: 1 },
        options: {
          cpu: CPU_EACH,
          memoryMiB: 64,
          maxInputs,
          minContainers: this.random() < 0.3 ? 1 : 0,
          maxContainers: 1 + Math.floor(this.random() * 4),
          scaledownWindowMs: this.#scaledownWindowMs,
        },
        methods: [],
        parameters: [],
        hooks: { enter: [], exit: [] },
      },
      bundle: FILE,
      sourceMap: FILE,
      urls: {},
    };
    this.functions.push({ record, waiting: 0, served: 0, submitted: 0 });
    this.scheduler.observeFunction(record.id, record);
  }

  step(mayDisturb: boolean, mayKill = true): void {
    this.nowMs += STEP_MS;
    if (mayDisturb) this.#submit();
    if (mayDisturb && mayKill) this.#disturb();
    this.#work();
    if (this.nowMs % 200 === 0) this.#report();
    for (const pool of this.scheduler.poolsToLookAt(this.nowMs)) this.#look(pool);
    this.#act();
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
    for (const action of this.scheduler.decide(this.nowMs)) {
      if (action.type === 'start') {
        expect(this.everStarted.has(action.containerId)).toBe(false);
        this.everStarted.add(action.containerId);
        const worker = this.workers.get(action.workerId);
        if (!worker?.alive) this.scheduler.observeRefusal(action.containerId, this.nowMs);
        else worker.containers.set(action.containerId, this.#newContainer(action.containerId, action.record));
      } else if (action.type === 'stop') {
        const status = this.workers.get(action.workerId)?.containers.get(action.containerId)?.status;
        if (!status) continue;
        this.#expectSparing(status.functionId);
        status.state = 'draining';
      }
    }
  }

  // D2: what is stopped is above the minimum. A machine that died a moment ago is still counted on.
  #expectSparing(functionId: string): void {
    if (this.#hasKilled) return;
    const { minContainers = 0 } = this.#functionOf(functionId).record.spec.options;
    expect(this.live(functionId).length).toBeGreaterThan(minContainers);
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

  #newContainer(containerId: string, { id, version, spec }: FunctionRecord): SimulatedContainer {
    const status: ContainerStatus = {
      containerId,
      pool: id,
      functionId: id,
      appId: 'ap-1',
      version,
      state: 'starting',
      running: 0,
      maxInputs: spec.options.maxInputs ?? 1,
      startedAtMs: this.nowMs,
      httpSocketPath: '',
    };
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

it(
  'keeps its limits at every moment and serves everything, whatever machines do',
  () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const simulation = new Simulation(seed, {
          functions: 6,
          workers: 3,
          cpu: 4,
          scaledownWindowMs: 2_000,
        });
        for (let i = 0; i < 400; i++) {
          simulation.step(true);
          for (const { record } of simulation.functions) {
            const { maxContainers = 0 } = record.spec.options;
            expect(simulation.live(record.id).length).toBeLessThanOrEqual(maxContainers);
          }
        }
        for (const worker of simulation.workers.values()) worker.alive = true;
        for (let i = 0; i < 2_000; i++) simulation.step(false);
        for (const { record, waiting, served, submitted } of simulation.functions) {
          expect({ waiting, served }).toEqual({ waiting: 0, served: submitted });
          expect(simulation.live(record.id).length).toBe(record.spec.options.minContainers);
        }
      }),
      { numRuns: 40, seed: 7 },
    );
  },
  SIMULATION_MS,
);

it(
  'serves a pool without containers soon whenever there is room or somebody idle, on machines that are too small',
  () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const simulation = new Simulation(seed, {
          functions: 7,
          workers: 1,
          cpu: 2,
          scaledownWindowMs: 600_000,
        });
        // Four places for seven functions, of which at most three keep one.
        fc.pre(simulation.functions.filter(({ record }) => record.spec.options.minContainers).length <= 3);
        const steps = new Map<string, number>();
        for (let i = 0; i < 1_000; i++) {
          simulation.step(i < 600, false);
          for (const { record, waiting } of simulation.functions) {
            const isStarved = waiting > 0 && simulation.live(record.id).length === 0 && simulation.hasRoom;
            steps.set(record.id, isStarved ? (steps.get(record.id) ?? 0) + 1 : 0);
            expect(steps.get(record.id)).toBeLessThan(STARVED_AT_MOST_STEPS);
          }
        }
        for (let i = 0; i < 3_000; i++) simulation.step(false);
        for (const { waiting, served, submitted } of simulation.functions) {
          expect({ waiting, served }).toEqual({ waiting: 0, served: submitted });
        }
      }),
      { numRuns: 40, seed: 11 },
    );
  },
  SIMULATION_MS,
);

import type { ContainerStatus, FunctionRecord, WorkerStatus } from '@gantry/protocol';
import type { Action } from '@gantry/scheduling';

/** A part of one cluster whose parts are all alike: it grows without any part of it getting larger. */
export interface ClusterShape {
  functions: number;
  workers: number;
  containersPerFunction: number;
  /** Containers that a worker has room for, of the ordinary size. */
  placesPerWorker: number;
}

export interface SimulatedFunction {
  record: FunctionRecord;
  waiting: number;
  containers: Set<SimulatedContainer>;
}

interface SimulatedContainer {
  workerId: string;
  of: SimulatedFunction;
  status: ContainerStatus;
  readyAtMs: number;
}

const FILE = { digest: 'sha256-0', sizeBytes: 1 };
const CPU_EACH = 0.125;
const MEMORY_EACH_MIB = 128;
const COLD_START_MS = 500;
/** Share of the inputs of a worker that end between two of its reports. */
const ENDS_SHARE = 0.5;

/** Machines, containers and inputs that exist only as numbers; the seed and the calls decide everything. */
export class SimulatedCluster {
  readonly functions: SimulatedFunction[] = [];
  readonly workers = new Map<string, Map<string, SimulatedContainer>>();
  readonly #shape: ClusterShape;
  #random: number;
  #workersMade = 0;

  constructor(shape: ClusterShape, seed: number) {
    this.#shape = shape;
    this.#random = seed;
    for (let i = 0; i < shape.functions; i++) this.functions.push(this.#newFunction(i));
    for (let i = 0; i < shape.workers; i++) this.addWorker();
  }

  /** From 0 to 1. */
  random(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.random() * from.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  addWorker(): string {
    const workerId = `wk-${String(this.#workersMade++).padStart(5, '0')}`;
    this.workers.set(workerId, new Map());
    return workerId;
  }

  /** The containers end with it; inputs that ran in them wait again. */
  loseWorker(workerId: string): void {
    for (const container of this.workers.get(workerId)?.values() ?? []) {
      container.of.waiting += container.status.running;
      container.of.containers.delete(container);
    }
    this.workers.delete(workerId);
  }

  /** As many ready containers of each function as its shape says, spread over the workers. */
  populate(nowMs: number): void {
    const workerIds = [...this.workers.keys()];
    let next = 0;
    for (const simulated of this.functions) {
      for (let i = 0; i < this.#shape.containersPerFunction; i++) {
        const workerId = workerIds[next++ % workerIds.length] ?? '';
        const containerId = `ta-${next}`;
        const { record } = simulated;
        this.start({ type: 'start', workerId, containerId, pool: record.id, parameters: {}, record }, nowMs);
      }
    }
  }

  start({ workerId, containerId, pool, record }: Extract<Action, { type: 'start' }>, nowMs: number): boolean {
    const of = this.functions[Number(record.id.slice(3))];
    const worker = this.workers.get(workerId);
    if (!worker || !of) return false;
    const status: ContainerStatus = {
      containerId,
      pool,
      functionId: record.id,
      appId: record.appId,
      version: record.version,
      state: 'starting',
      running: 0,
      maxInputs: record.spec.options.maxInputs ?? 1,
      startedAtMs: nowMs,
      httpSocketPath: `/run/gantry/${containerId}.sock`,
    };
    const container = { workerId, of, status, readyAtMs: nowMs + COLD_START_MS };
    worker.set(containerId, container);
    of.containers.add(container);
    return true;
  }

  stop(workerId: string, containerId: string): void {
    const container = this.workers.get(workerId)?.get(containerId);
    if (container) container.status.state = 'draining';
  }

  /** What a worker says now, after some of its inputs ended and others began. */
  report(workerId: string, nowMs: number): WorkerStatus {
    const containers = this.workers.get(workerId) ?? new Map<string, SimulatedContainer>();
    for (const [containerId, container] of containers) {
      this.#work(container, nowMs);
      const { state, running } = container.status;
      if (state !== 'draining' || running > 0) continue;
      containers.delete(containerId);
      container.of.containers.delete(container);
    }
    const { placesPerWorker } = this.#shape;
    return {
      workerId,
      hostname: workerId,
      startedAtMs: 0,
      draining: false,
      capacity: { cpu: placesPerWorker * CPU_EACH, memoryMiB: placesPerWorker * MEMORY_EACH_MIB },
      // As from the wire: every report is made of new objects.
      containers: Array.from(containers.values(), ({ status }) => ({ ...status })),
    };
  }

  #work({ of, status, readyAtMs }: SimulatedContainer, nowMs: number): void {
    if (status.state === 'starting' && nowMs >= readyAtMs) {
      status.state = 'ready';
      status.readyAtMs = nowMs;
    }
    for (let i = status.running; i > 0; i--) if (this.random() < ENDS_SHARE) status.running--;
    if (status.state !== 'ready') return;
    const taken = Math.min(of.waiting, status.maxInputs - status.running);
    of.waiting -= taken;
    status.running += taken;
    if (status.running > 0) status.idleSinceMs = undefined;
    else status.idleSinceMs ??= nowMs;
  }

  deliveredOf({ containers }: SimulatedFunction): number {
    let sum = 0;
    for (const { status } of containers) sum += status.running;
    return sum;
  }

  #newFunction(index: number): SimulatedFunction {
    const maxInputs = 1 + Math.floor(this.random() * 4);
    const { containersPerFunction } = this.#shape;
    const record: FunctionRecord = {
      id: `fu-${String(index).padStart(5, '0')}`,
      appId: `ap-${index % 1_000}`,
      environment: 'main',
      version: 1,
      spec: {
        name: `f${index}`,
        kind: 'function',
        site: { file: 'app.ts', line: 1 },
        options: {
          cpu: CPU_EACH,
          memoryMiB: MEMORY_EACH_MIB,
          maxInputs,
          minContainers: Math.floor(this.random() * containersPerFunction * 2),
          bufferContainers: Math.floor(this.random() * 2),
          scaledownWindowMs: 2_000 + Math.floor(this.random() * 58_000),
        },
        methods: [],
        parameters: [],
        hooks: { enter: [], exit: [] },
      },
      bundle: FILE,
      sourceMap: FILE,
      urls: {},
    };
    return { record, waiting: 0, containers: new Set() };
  }
}

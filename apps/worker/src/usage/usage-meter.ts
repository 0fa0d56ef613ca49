import type { UsageStore } from '@gantry/messaging';
import type { ContainerUse } from '@gantry/containers';
import {
  type ContainerStatus,
  type FunctionRecord,
  type GpuDevice,
  type MachineCapacity,
  newId,
} from '@gantry/protocol';
import { type Metered, UsageLedger } from '@gantry/scheduling';
import type { Logger } from '@gantry/telemetry';

import type { Clock } from '../clock.ts';

/** What is used of memory is taken to be the same for so long; and of CPU, where it ends with a plain process. */
const READ_MS = 5_000;
/** So much is not counted when a worker is killed. */
const KEEP_MS = 60_000;

/** A container of this worker. */
export interface Running {
  readonly record: FunctionRecord;
  /** With the indices of its GPUs. */
  readonly status: Pick<ContainerStatus, 'gpus'>;
  readonly use: ContainerUse | undefined;
}

export interface UsageMeterOptions {
  store: UsageStore;
  machine: { readonly capacity: MachineCapacity };
  clock: Clock;
  log: Logger;
}

/** Counts what the containers of this worker take up, and keeps it hour by hour. */
export class UsageMeter {
  readonly #store: UsageStore;
  readonly #machine: UsageMeterOptions['machine'];
  readonly #clock: Clock;
  readonly #log: Logger;
  // A worker that starts again begins a record of its own: it does not know what the one before it counted.
  readonly #ledger = new UsageLedger(newId('wk'));
  readonly #metered = new Map<Running, MeteredContainer>();
  /** Some has, since all was kept. */
  #hasEnded = false;
  #timers: NodeJS.Timeout[] = [];
  #keeping: Promise<void> = Promise.resolve();

  constructor({ store, machine, clock, log }: UsageMeterOptions) {
    this.#store = store;
    this.#machine = machine;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#timers = [setInterval(() => this.#read(), READ_MS), setInterval(() => void this.keep(), KEEP_MS)];
  }

  began(container: Running): void {
    const metered = new MeteredContainer(container, this.#machine.capacity.gpus);
    this.#metered.set(container, metered);
    this.#ledger.began(metered, this.#now);
  }

  ended(container: Running): void {
    const metered = this.#metered.get(container);
    if (!metered) return;
    this.#metered.delete(container);
    this.#ledger.ended(metered, this.#now);
    this.#hasEnded = true;
  }

  /** One after the other, so that none is replaced by an older one. */
  keep(): Promise<void> {
    this.#keeping = this.#keeping.then(() => this.#keepAll());
    return this.#keeping;
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#ledger.readAll(this.#now);
    await this.keep();
  }

  // What one took up in all is soon known.
  #read(): void {
    this.#ledger.readAll(this.#now);
    if (this.#hasEnded) void this.keep();
  }

  get #now(): { nowMs: number; wallMs: number } {
    return { nowMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  async #keepAll(): Promise<void> {
    const { wallMs } = this.#now;
    this.#hasEnded = false;
    for (const hour of this.#ledger.hours()) {
      try {
        await this.#store.keep(hour);
        this.#ledger.forget(hour.hourMs, wallMs);
      } catch (err) {
        this.#log.warn({ err }, 'what containers took up cannot be kept now; it is tried again in a minute');
        return;
      }
    }
  }
}

class MeteredContainer implements Metered {
  readonly record: FunctionRecord;
  readonly gpuTypes: readonly string[];
  readonly #container: Running;

  constructor(container: Running, devices: readonly GpuDevice[] = []) {
    this.record = container.record;
    this.gpuTypes = (container.status.gpus ?? []).map(
      (index) => devices.find((device) => device.index === index)?.type ?? 'any',
    );
    this.#container = container;
  }

  get cpuTimeMs(): number | undefined {
    return this.#container.use?.cpuTimeMs;
  }

  get memoryBytes(): number | undefined {
    return this.#container.use?.memoryBytes;
  }
}

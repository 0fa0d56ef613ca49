import { mkdir, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';

import { findGpus, GpuWatch, type LocalGpu } from '@gantry/containers';
import type { GpuUse, MachineCapacity, WorkerLabels } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

const BYTES_PER_MIB = 1024 * 1024;

export interface MachineOptions {
  /** Where containers write. */
  folder: string;
  /** What counts instead of what is found. */
  capacity?: Partial<MachineCapacity> | undefined;
  labels?: WorkerLabels | undefined;
  /** Its containers can have them. @defaultValue true */
  offersGpus?: boolean | undefined;
  log: Logger;
}

/** The machine that a worker runs on: what it offers, and what containers are told of it. */
export class LocalMachine {
  readonly capacity: MachineCapacity;
  readonly labels: WorkerLabels;
  readonly #gpus: readonly LocalGpu[];
  readonly #watch = new GpuWatch();

  constructor(capacity: MachineCapacity, labels: WorkerLabels, gpus: readonly LocalGpu[]) {
    this.capacity = capacity;
    this.labels = labels;
    this.#gpus = gpus;
  }

  /** Looks at cores, memory, free disk and GPUs. */
  static async find(options: MachineOptions): Promise<LocalMachine> {
    const { folder, capacity, labels = {}, offersGpus = true, log } = options;
    await mkdir(folder, { recursive: true });
    const onProblem = (err: Error): void =>
      log.warn({ err }, 'nvidia-smi does not work: this worker offers no GPUs');
    const [gpus, { bavail, bsize }] = await Promise.all([
      offersGpus ? findGpus(onProblem) : [],
      statfs(folder),
    ]);
    const found = {
      cpu: availableParallelism(),
      memoryMiB: Math.floor(totalmem() / BYTES_PER_MIB),
      diskMiB: Math.floor((bavail * bsize) / BYTES_PER_MIB),
      gpus: gpus.map(({ index, type, memoryMiB }) => ({ index, type, memoryMiB })),
    };
    const machine = new LocalMachine({ ...found, ...capacity }, labels, gpus);
    if (gpus.length > 0) machine.#watch.start();
    return machine;
  }

  /** How its GPUs are; undefined where there are none, or nothing is known yet. */
  get gpuUse(): GpuUse[] | undefined {
    const { use } = this.#watch;
    return use.length > 0 ? use : undefined;
  }

  close(): void {
    this.#watch[Symbol.dispose]();
  }

  /** Environment variables of a container with these GPUs. */
  environment(gpus: readonly number[]): Record<string, string> {
    const { region, cloud } = this.labels;
    return {
      ...(region === undefined ? {} : { GANTRY_REGION: region }),
      ...(cloud === undefined ? {} : { GANTRY_CLOUD_PROVIDER: cloud }),
      ...this.#gpuEnvironment(gpus),
    };
  }

  // Where there are none, the names belong to the user.
  #gpuEnvironment(indexes: readonly number[]): Record<string, string> {
    if (this.#gpus.length === 0) return {};
    const own = this.#gpus.filter(({ index }) => indexes.includes(index)).map(({ uuid }) => uuid);
    const visible = own.join(',');
    return { CUDA_VISIBLE_DEVICES: visible, NVIDIA_VISIBLE_DEVICES: visible === '' ? 'void' : visible };
  }
}

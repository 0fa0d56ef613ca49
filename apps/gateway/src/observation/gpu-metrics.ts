import { WORKER_DEAD_AFTER_MS, type GpuUse, type WorkerStatus } from '@gantry/protocol';

import type { Gauge } from './request-metrics.ts';

const BYTES_PER_MIB = 1024 * 1024;

type Reading = keyof Omit<GpuUse, 'index'>;

const FAMILIES: readonly { name: string; help: string; of: Reading; times?: number }[] = [
  { name: 'busy_ratio', help: 'The part of the last moment in which something ran on the GPU.', of: 'busy' },
  { name: 'memory_used_bytes', help: 'Memory of the GPU in use.', of: 'memoryUsedMiB', times: BYTES_PER_MIB },
  { name: 'power_watts', help: 'What the GPU draws.', of: 'powerWatts' },
  { name: 'power_limit_watts', help: 'What the GPU may draw.', of: 'powerLimitWatts' },
  { name: 'temperature_celsius', help: 'Temperature of the GPU.', of: 'temperatureCelsius' },
];

/** How the GPUs of all workers are, for `/metrics`, as their last reports say. */
export class GpuMetrics {
  readonly #workers = new Map<string, Pick<WorkerStatus, 'gpuUse' | 'capacity'> & { seenAtMs: number }>();

  receive({ workerId, capacity, gpuUse }: WorkerStatus, nowMs: number): void {
    if (gpuUse) this.#workers.set(workerId, { capacity, gpuUse, seenAtMs: nowMs });
    else this.#workers.delete(workerId);
  }

  dropSilentWorkers(nowMs: number): void {
    for (const [workerId, { seenAtMs }] of this.#workers) {
      if (nowMs - seenAtMs > WORKER_DEAD_AFTER_MS) this.#workers.delete(workerId);
    }
  }

  get gauges(): Gauge[] {
    return FAMILIES.map(({ name, help, of, times = 1 }) => ({
      name: `gantry_gpu_${name}`,
      help,
      read: () => this.#samples(of).map(([labels, value]) => [labels, value * times] as const),
    }));
  }

  #samples(reading: Reading): [labels: string, value: number][] {
    return [...this.#workers].flatMap(([workerId, { capacity, gpuUse = [] }]) =>
      gpuUse.flatMap((use): [string, number][] => {
        const value = use[reading];
        const type = capacity.gpus?.find(({ index }) => index === use.index)?.type ?? '';
        return value === undefined ? [] : [[`worker="${workerId}",gpu="${use.index}",type="${type}"`, value]];
      }),
    );
  }
}

import { WORKER_DEAD_AFTER_MS, type GpuUse, type WorkerStatus } from '@gantry/protocol';
import { expect, test } from 'vitest';

import { GpuMetrics } from './gpu-metrics.ts';
import { RequestMetrics } from './request-metrics.ts';

function statusOf(workerId: string, gpuUse?: GpuUse[]): WorkerStatus {
  const gpus = [{ index: 0, type: 'H200', memoryMiB: 143_771 }];
  return {
    ...{ workerId, hostname: 'here', startedAtMs: 1, draining: false, containers: [] },
    ...{ capacity: { cpu: 1, memoryMiB: 1, gpus }, gpuUse },
  };
}

function linesOf(gpus: GpuMetrics): string[] {
  const metrics = new RequestMetrics();
  for (const gauge of gpus.gauges) metrics.addGauge(gauge);
  return metrics
    .render()
    .split('\n')
    .filter((line) => line.includes('gantry_gpu_') && !line.startsWith('# HELP'));
}

test('GPUs are gauges, as far as their drivers tell, as long as their worker is heard of', () => {
  const gpus = new GpuMetrics();
  gpus.receive(statusOf('wk-1', [{ index: 0, busy: 0.5, memoryUsedMiB: 2, temperatureCelsius: 37 }]), 0);
  gpus.receive(statusOf('wk-2'), 0);

  const labels = '{worker="wk-1",gpu="0",type="H200"}';
  expect(linesOf(gpus)).toEqual([
    '# TYPE gantry_gpu_busy_ratio gauge',
    `gantry_gpu_busy_ratio${labels} 0.5`,
    '# TYPE gantry_gpu_memory_used_bytes gauge',
    `gantry_gpu_memory_used_bytes${labels} 2097152`,
    '# TYPE gantry_gpu_temperature_celsius gauge',
    `gantry_gpu_temperature_celsius${labels} 37`,
  ]);
  gpus.dropSilentWorkers(WORKER_DEAD_AFTER_MS);
  expect(linesOf(gpus)).not.toEqual([]);
  gpus.dropSilentWorkers(WORKER_DEAD_AFTER_MS + 1);
  expect(linesOf(gpus)).toEqual([]);
});

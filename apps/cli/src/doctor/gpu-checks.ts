import { findGpus, type LocalGpu } from '@gantry/containers';

import type { Check } from './checks.ts';

/** Looks at the GPUs of this machine, as a worker does at its start. */
export async function findGpuChecks(): Promise<Check[]> {
  let problem: Error | undefined;
  const gpus = await findGpus((error) => (problem = error));
  return checkGpus(gpus, problem);
}

/** How many of each kind there are; nothing is said where there are none. */
export function checkGpus(
  gpus: readonly Pick<LocalGpu, 'type' | 'memoryMiB'>[],
  problem?: Error | undefined,
): Check[] {
  const name = 'GPUs';
  if (problem) {
    const detail = `"nvidia-smi" does not work: ${problem.message.trim().split('\n').at(-1)}`;
    const hint = 'Repair the driver, then restart the worker: it offers no GPUs until then.';
    return [{ name, status: 'warn', detail, hint }];
  }
  if (gpus.length === 0) return [];
  const counts = new Map<string, number>();
  for (const { type, memoryMiB } of gpus) {
    const kind = `${type} (${memoryMiB} MiB)`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [
    { name, status: 'ok', detail: [...counts].map(([kind, count]) => `${count} × ${kind}`).join(', ') },
  ];
}

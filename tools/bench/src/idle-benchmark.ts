import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { startPlatform } from './platform.ts';
import { processTree } from './process-tree.ts';
import { judgeLimit, type BenchResult } from './result.ts';

/** Linux counts CPU time in ticks of 10 ms (`getconf CLK_TCK` is 100 on every supported platform). */
const TICK_MS = 10;
const SETTLE_MS = 10_000;
const WATCH_MS = 30_000;

interface Usage {
  residentMiB: number;
  cpuMs: number;
}

async function usage(root: number): Promise<Usage> {
  const sum: Usage = { residentMiB: 0, cpuMs: 0 };
  for (const pid of await processTree(root)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    sum.residentMiB += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
    sum.cpuMs += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  return sum;
}

/** What `gantry up` costs while nothing is deployed: every process it started, itself included. */
export async function benchmarkIdle(): Promise<BenchResult[]> {
  await using platform = await startPlatform({ synced: true });
  await delay(SETTLE_MS);
  const before = await usage(platform.pid);
  await delay(WATCH_MS);
  const after = await usage(platform.pid);
  const cpuPercent = ((after.cpuMs - before.cpuMs) / WATCH_MS) * 100;
  return [
    judgeLimit(
      { name: 'idle platform, resident memory of all processes', unit: 'MiB', value: after.residentMiB },
      250,
    ),
    judgeLimit({ name: 'idle platform, CPU', unit: '% of a core', value: cpuPercent }, 1),
  ];
}

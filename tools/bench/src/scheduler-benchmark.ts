import { join } from 'node:path';

import type { SchedulerSamples } from './cluster/scheduler-load.ts';
import { run } from './processes.ts';
import { judge, judgeLimit, type BenchResult } from './result.ts';
import { quantile } from './statistics.ts';

const FUNCTIONS = [1_000, 3_000, 10_000] as const;
/** More than this for ten times the functions would not be flat. Where nothing grows with them it is about one. */
const FLAT_RATIO = 2;
/** Places on each worker that has 100 containers to run: with room for more, and without. */
const ROOMY = 128;
const FULL = 96;

async function sample(functions: number, places: number, events: number): Promise<SchedulerSamples> {
  const program = join(import.meta.dirname, 'cluster/scheduler-load.ts');
  const args = ['--functions', String(functions), '--places', String(places), '--events', String(events)];
  return JSON.parse(await run(process.execPath, [program, ...args])) as SchedulerSamples;
}

const mean = ({ costsMs }: SchedulerSamples) => costsMs.reduce((sum, cost) => sum + cost, 0) / costsMs.length;
const p99 = ({ costsMs }: SchedulerSamples) => quantile(costsMs, 0.99);

/** What one event costs the scheduler, in clusters of growing size, each in a process of its own. */
export async function benchmarkScheduler({ events }: { events: number }): Promise<BenchResult[]> {
  return [
    ...(await measureSizes({ places: ROOMY, events, cluster: 'with room' })),
    ...(await measureSizes({ places: FULL, events, cluster: 'full' })),
  ];
}

async function measureSizes(options: {
  places: number;
  events: number;
  cluster: string;
}): Promise<BenchResult[]> {
  const { places, events, cluster } = options;
  const sizes: SchedulerSamples[] = [];
  for (const functions of FUNCTIONS) sizes.push(await sample(functions, places, events));
  const [smallest, middle, largest] = sizes;
  if (!smallest || !middle || !largest) throw new TypeError('a size is missing');
  const name = `scheduler, 1,000 workers, 10,000 functions, 100,000 containers, ${cluster}`;
  const flat = (size: SchedulerSamples, functions: string) =>
    judge(
      {
        name: `scheduler event, mean, ${functions} functions, ${cluster}`,
        unit: 'ms',
        value: mean(size),
        baseline: '1,000 functions',
        baselineValue: mean(smallest),
      },
      '<=',
      FLAT_RATIO,
    );
  return [
    judgeLimit({ name: `${name}: event p99`, unit: 'ms', value: p99(largest) }, 10),
    judgeLimit({ name: `${name}: memory`, unit: 'MiB', value: largest.memoryMiB }, 1_024),
    flat(middle, '3,000'),
    flat(largest, '10,000'),
  ];
}

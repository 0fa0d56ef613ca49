import { join } from 'node:path';

import { runBullmqClient } from './baselines/bullmq.ts';
import type { CallSamples } from './clients/call-load.ts';
import { deployBenchApp, startPlatform } from './platform.ts';
import { run } from './processes.ts';
import { judge, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

async function sampleGantry(options: { synced: boolean }): Promise<CallSamples> {
  await using platform = await startPlatform(options);
  await deployBenchApp(platform);
  const client = join(import.meta.dirname, 'clients/gantry-client.ts');
  return JSON.parse(await run(process.execPath, [client], { env: platform.env })) as CallSamples;
}

// add -> worker in another process -> waitUntilFinished.
async function sampleBullmq(options: { synced: boolean }): Promise<CallSamples> {
  return JSON.parse(await runBullmqClient('bullmq-client.ts', options)) as CallSamples;
}

/** Warm `.remote()` of a trivial function from an outside program, against BullMQ, like with like. */
export async function benchmarkCalls(options: { synced: boolean; repeats: number }): Promise<BenchResult[]> {
  const ours: CallSamples[] = [];
  const theirs: CallSamples[] = [];
  for (let i = 0; i < options.repeats; i++) {
    theirs.push(await sampleBullmq(options));
    ours.push(await sampleGantry(options));
  }
  const mode = options.synced ? 'every write synced' : 'unsynced';
  const latency = (samples: CallSamples[]) => median(samples.map((sample) => median(sample.latenciesMs)));
  const throughput = (samples: CallSamples[]) => median(samples.flatMap((sample) => sample.throughputs));
  const baseline = `BullMQ + Redis, ${mode}`;
  return [
    judge(
      {
        name: `warm call p50, ${mode}`,
        unit: 'ms',
        value: latency(ours),
        baseline,
        baselineValue: latency(theirs),
      },
      '<=',
      1.5,
    ),
    judge(
      {
        name: `500 in flight, ${mode}`,
        unit: 'calls/s',
        value: throughput(ours),
        baseline,
        baselineValue: throughput(theirs),
      },
      '>=',
      options.synced ? 0.5 : 1,
    ),
  ];
}

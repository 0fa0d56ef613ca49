import { join } from 'node:path';

import { runBullmqClient } from './baselines/bullmq.ts';
import type { MapRound } from './clients/map-load.ts';
import { memoryGrowth, type ProcessGrowth } from './memory-growth.ts';
import { watchMemory } from './memory-watch.ts';
import { deployBenchApp, startPlatform } from './platform.ts';
import { run } from './processes.ts';
import { judge, judgeLimit, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

/** A process whose peak rises by more than this from one round to the next is not flat. */
const FLAT_WITHIN = 1.15;

async function sampleGantry(options: {
  synced: boolean;
  rounds: number;
}): Promise<{ rounds: MapRound[]; growth: ProcessGrowth[] }> {
  await using platform = await startPlatform(options);
  await deployBenchApp(platform);
  const client = join(import.meta.dirname, 'clients/gantry-map-client.ts');
  const env = { ...platform.env, MAP_ROUNDS: String(options.rounds) };
  const { result, memory } = await watchMemory(() => run(process.execPath, [client], { env }));
  const rounds = JSON.parse(result) as MapRound[];
  return { rounds, growth: memoryGrowth(memory, rounds) };
}

/**
 * A `map` of 100,000 trivial inputs, round after round, against BullMQ with as many open at once; and the memory
 * of every process of Gantry, its client and containers included, between the last two rounds.
 */
export async function benchmarkMap(options: { synced: boolean; rounds: number }): Promise<BenchResult[]> {
  const env = { MAP_ROUNDS: String(options.rounds) };
  const theirs = JSON.parse(
    await runBullmqClient('bullmq-map-client.ts', { synced: options.synced, env }),
  ) as MapRound[];
  const ours = await sampleGantry(options);
  const mode = options.synced ? 'every write synced' : 'unsynced';
  const throughput = (rounds: MapRound[]) => median(rounds.map((round) => round.throughput));
  const most = ours.growth.reduce((worst, process) => (process.ratio > worst.ratio ? process : worst));
  for (const { name, beforeMiB, afterMiB } of ours.growth) {
    console.error(`  ${name}: peak ${Math.round(beforeMiB)} MiB, then ${Math.round(afterMiB)} MiB`);
  }
  return [
    judge(
      {
        name: `map of 100,000, ${mode}`,
        unit: 'inputs/s',
        value: throughput(ours.rounds),
        baseline: `BullMQ + Redis, ${mode}`,
        baselineValue: throughput(theirs),
      },
      '>=',
      1.3,
    ),
    judgeLimit(
      {
        name: `map of 100,000, ${mode}: memory, last round over the one before (${most.name})`,
        unit: 'x',
        value: most.ratio,
      },
      FLAT_WITHIN,
    ),
  ];
}

import { join } from 'node:path';

import { runBullmqClient } from './baselines/bullmq.ts';
import type { MapRound } from './clients/map-load.ts';
import { memoryGrowth } from './memory-growth.ts';
import { watchMemory, type MemorySeries } from './memory-watch.ts';
import { deployBenchApp, startPlatform } from './platform.ts';
import { run } from './processes.ts';
import { judge, report, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

/** A process whose peak rises by more than this from one round to the next is not flat. */
const FLAT_WITHIN = 1.15;
/** nats-server remembers the ids of messages for two minutes: before that it cannot be flat. */
const UNTIL_FLAT_SECONDS = 150;

interface MapOptions {
  synced: boolean;
  rounds: number;
}

async function sampleBullmq({ synced, rounds }: MapOptions): Promise<MapRound[]> {
  const env = { MAP_ROUNDS: String(rounds) };
  return JSON.parse(await runBullmqClient('bullmq-map-client.ts', { synced, env })) as MapRound[];
}

async function sampleGantry(
  options: MapOptions & { seconds?: number },
): Promise<{ rounds: MapRound[]; memory: MemorySeries[] }> {
  await using platform = await startPlatform(options);
  await deployBenchApp(platform);
  const client = join(import.meta.dirname, 'clients/gantry-map-client.ts');
  const { rounds, seconds = 0 } = options;
  const env = { ...platform.env, MAP_ROUNDS: String(rounds), MAP_SECONDS: String(seconds) };
  const { result, memory } = await watchMemory(() => run(process.execPath, [client], { env }));
  return { rounds: JSON.parse(result) as MapRound[], memory };
}

/** A `map` of 100,000 trivial inputs, round after round, against BullMQ with as many open at once. */
export async function benchmarkMap(options: MapOptions): Promise<BenchResult> {
  const theirs = await sampleBullmq(options);
  const ours = await sampleGantry(options);
  const mode = options.synced ? 'every write synced' : 'unsynced';
  const throughput = (rounds: MapRound[]) => median(rounds.map((round) => round.throughput));
  const measurement = {
    name: `map of 100,000, ${mode}`,
    unit: 'inputs/s',
    value: throughput(ours.rounds),
    baseline: `BullMQ + Redis, ${mode}`,
    baselineValue: throughput(theirs),
  };
  // Redis syncs once for all that one turn of its loop brought, nats-server once for each message.
  return options.synced ? report(measurement) : judge(measurement, '>=', 1.3);
}

/** Resident memory of every process, client and containers included, in the last of many maps and the one before. */
export async function benchmarkMapMemory(): Promise<BenchResult> {
  const { rounds, memory } = await sampleGantry({ synced: false, rounds: 4, seconds: UNTIL_FLAT_SECONDS });
  const growth = memoryGrowth(memory, rounds);
  for (const { name, beforeMiB, afterMiB } of growth) {
    console.error(`  ${name}: ${Math.round(beforeMiB)} MiB, then ${Math.round(afterMiB)} MiB`);
  }
  const most = growth.reduce((worst, process) => (process.ratio > worst.ratio ? process : worst));
  return judge(
    {
      name: `memory after ${rounds.length} maps of 100,000, unsynced (${most.name})`,
      unit: 'MiB',
      value: most.afterMiB,
      baseline: 'the map before',
      baselineValue: most.beforeMiB,
    },
    '<=',
    FLAT_WITHIN,
  );
}

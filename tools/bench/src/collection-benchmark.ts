import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';

import { startRedis } from './baselines/redis.ts';
import type { BothSamples, StoreLoad } from './clients/collection-load.ts';
import { deploy, startPlatform } from './platform.ts';
import { startPlatformInParts } from './platform-in-parts.ts';
import { run } from './processes.ts';
import { judge, report, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const LOAD: StoreLoad = {
  serial: { turns: 20, operations: 200 },
  parallel: { turns: 4, operations: 10_000, callers: 32 },
};
const CLIENT = join(import.meta.dirname, 'clients/collection-client.ts');

type Driver = 'process' | 'runc';

/**
 * Dict and Queue from inside a container against Redis from the same process, both syncing every write: with both drivers,
 * where server and worker are one process, and where each has its own.
 */
export async function benchmarkCollections({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const problem = findRuncProblem();
  if (problem) console.error(`  left out: runc, ${problem.message}`);
  const results: BenchResult[] = [];
  for (const driver of problem ? (['process'] as const) : (['process', 'runc'] as const)) {
    results.push(...(await benchmarkDriver(driver, rounds)));
  }
  return results;
}

async function benchmarkDriver(driver: Driver, rounds: number): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const isApart of [false, true]) {
    await using platform = isApart
      ? await startPlatformInParts({ driver })
      : await startPlatform({ synced: true, driver });
    const samples = await samplesOf(platform.env, rounds);
    results.push(...judgeAll(samples, `${driver}${isApart ? ', worker apart' : ''}`));
  }
  return results;
}

async function samplesOf(platform: Record<string, string>, rounds: number): Promise<BothSamples[]> {
  await deploy([join(import.meta.dirname, 'app/collections-app.ts')], platform);
  const network = JSON.parse(await run(process.execPath, [CLIENT], { env: platform })) as string;
  const samples: BothSamples[] = [];
  for (let round = 0; round < rounds; round++) {
    await using redis = await startRedis(network);
    const env = { ...platform, REDIS_PORT: String(redis.port), LOAD: JSON.stringify(LOAD) };
    samples.push(JSON.parse(await run(process.execPath, [CLIENT], { env })) as BothSamples);
  }
  return samples;
}

function judgeAll(samples: readonly BothSamples[], where: string): BenchResult[] {
  const pairs = [
    { kind: 'get', ours: 'Dict get', theirs: 'GET' },
    { kind: 'set', ours: 'Dict put', theirs: 'SET' },
    { kind: 'putTake', ours: 'Queue put and get', theirs: 'LPUSH and BRPOP' },
  ] as const;
  const results = pairs.flatMap(({ kind, ours, theirs }) => {
    const of = (side: 'gantry' | 'redis', what: 'p50Ms' | 'perSecond') =>
      median(samples.map((sample) => sample[side][kind][what]));
    const measured = (what: 'p50Ms' | 'perSecond') => ({
      ...{ value: of('gantry', what), baselineValue: of('redis', what) },
      baseline: `Redis ${theirs}`,
    });
    const name = `${ours} p50, ${where}`;
    const many = `${ours} by 32 callers, ${where}`;
    return [
      judge({ name, unit: 'ms', ...measured('p50Ms') }, '<=', 5),
      judge({ name: many, unit: '1/s', ...measured('perSecond') }, '>=', 0.2),
    ];
  });
  const firstGet = {
    ...{ name: `Dict get p50, each key for the first time, ${where}`, unit: 'ms' },
    value: median(samples.map(({ firstGetP50Ms }) => firstGetP50Ms)),
    ...{ baseline: 'Redis GET', baselineValue: median(samples.map(({ redis }) => redis.get.p50Ms)) },
  };
  return [...results, report(firstGet)];
}

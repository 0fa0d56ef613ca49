import { spawn } from 'node:child_process';
import { join } from 'node:path';

import type { StoreLoad, StoreSamples } from './clients/collection-load.ts';
import { deploy, startPlatform } from './platform.ts';
import { startPlatformInParts } from './platform-in-parts.ts';
import { end, freePort, run, temporaryDirectory } from './processes.ts';
import { judge, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const LOAD: StoreLoad = { serial: 1_500, parallel: 20_000, callers: 32 };
const CLIENT = join(import.meta.dirname, 'clients/collection-client.ts');

interface Samples {
  gantry: StoreSamples;
  redis: StoreSamples;
}

/**
 * Dict and Queue from inside a container against Redis from inside a container of the same platform, both syncing every write:
 * where server and worker are one process, and where each has its own.
 */
export async function benchmarkCollections({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const where of ['', ', worker apart']) {
    await using platform =
      where === '' ? await startPlatform({ synced: true }) : await startPlatformInParts();
    results.push(...judgeAll(await samplesOf(platform.env, rounds), where));
  }
  return results;
}

async function samplesOf(platform: Record<string, string>, rounds: number): Promise<Samples[]> {
  await deploy([join(import.meta.dirname, 'app/collections-app.ts')], platform);
  const samples: Samples[] = [];
  for (let round = 0; round < rounds; round++) {
    await using redis = await startRedis();
    const env = { ...platform, REDIS_PORT: String(redis.port), LOAD: JSON.stringify(LOAD) };
    samples.push(JSON.parse(await run(process.execPath, [CLIENT], { env })) as Samples);
  }
  return samples;
}

function judgeAll(samples: readonly Samples[], where: string): BenchResult[] {
  const pairs = [
    { kind: 'get', ours: 'Dict get', theirs: 'GET' },
    { kind: 'set', ours: 'Dict put', theirs: 'SET' },
    { kind: 'putTake', ours: 'Queue put and get', theirs: 'LPUSH and BRPOP' },
  ] as const;
  return pairs.flatMap(({ kind, ours, theirs }) => {
    const of = (side: keyof Samples, what: 'p50Ms' | 'perSecond') =>
      median(samples.map((sample) => sample[side][kind][what]));
    const measured = (what: 'p50Ms' | 'perSecond') => ({
      ...{ value: of('gantry', what), baselineValue: of('redis', what) },
      baseline: `Redis ${theirs}, every write synced`,
    });
    const name = `${ours} in a container p50${where}, every write synced`;
    const many = `${ours} by 32 callers in a container${where}, every write synced`;
    return [
      judge({ name, unit: 'ms', ...measured('p50Ms') }, '<=', 5),
      judge({ name: many, unit: '1/s', ...measured('perSecond') }, '>=', 0.2),
    ];
  });
}

async function startRedis(): Promise<AsyncDisposable & { port: number }> {
  const directory = await temporaryDirectory();
  const port = await freePort();
  const flags = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
  const redis = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory.path, ...flags],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return {
    port,
    async [Symbol.asyncDispose]() {
      await end(redis);
      await directory[Symbol.asyncDispose]();
    },
  };
}

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { openBlobStore } from '@gantry/blobs';
import { findRuncProblem } from '@gantry/containers';

import { findMinio, startMinio, type Minio } from './baselines/minio.ts';
import { deploy, startPlatform, type Platform } from './platform.ts';
import { run, temporaryDirectory } from './processes.ts';
import { judge, judgeLimit, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const CLIENT = join(import.meta.dirname, 'clients/volume-client.ts');
const FILES = 64;
const FILE_BYTES = 16 * 1024 * 1024;
const MIB = (FILES * FILE_BYTES) / 2 ** 20;
const AT_ONCE = 8;

type Samples = Record<'writeMs' | 'copyMs' | 'oneMs', number[]>;

/** A GiB written into a volume by a container and committed; and commits of one file among 100,000. */
export async function benchmarkCommits({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const problem = findRuncProblem();
  if (problem) console.error(`  left out: runc, ${problem.message}`);
  const results: BenchResult[] = [];
  for (const driver of problem ? (['process'] as const) : (['process', 'runc'] as const)) {
    await using platform = await startPlatform({ synced: true, driver });
    const { writeMs, copyMs, oneMs } = await samplesOf(platform, rounds);
    results.push(
      judge(
        {
          ...{ name: `1 GiB in 64 files written and committed, ${driver}, disk`, unit: 'MiB/s' },
          ...{ value: rate(writeMs), baseline: 'cp, then sync', baselineValue: rate(copyMs) },
        },
        '>=',
        0.5,
      ),
      judgeLimit(
        { name: `commit of one file among 100,000, ${driver}, disk`, unit: 'ms', value: median(oneMs) },
        100,
      ),
    );
  }
  return [...results, ...(await benchmarkMinio(rounds))];
}

async function benchmarkMinio(rounds: number): Promise<BenchResult[]> {
  const program = findMinio();
  if (program === undefined) {
    console.error('  left out: MinIO, as there is no "minio" program');
    return [];
  }
  await using folder = await temporaryDirectory();
  await using minio = await startMinio(program, folder.path);
  const { endpoint, accessKey, secretKey } = minio;
  const flags = ['--s3-endpoint', endpoint, '--s3-access-key', accessKey, '--s3-secret-key', secretKey];
  await using platform = await startPlatform({ synced: true, flags });
  const { writeMs, oneMs } = await samplesOf(platform, rounds);
  const puts: number[] = [];
  for (let round = 0; round < rounds; round++) puts.push(await timeOfPuts(minio));
  return [
    judge(
      {
        ...{ name: '1 GiB in 64 files written and committed, process, MinIO', unit: 'MiB/s' },
        ...{ value: rate(writeMs), baseline: '8 parallel puts of the files', baselineValue: rate(puts) },
      },
      '>=',
      0.5,
    ),
    judgeLimit(
      { name: 'commit of one file among 100,000, process, MinIO', unit: 'ms', value: median(oneMs) },
      100,
    ),
  ];
}

function rate(times: readonly number[]): number {
  return MIB / (median(times) / 1000);
}

async function samplesOf(platform: Platform, rounds: number): Promise<Samples> {
  await deploy([join(import.meta.dirname, 'app/volume-app.ts')], platform.env);
  const args = [CLIENT, String(rounds), String(FILES), String(FILE_BYTES)];
  return JSON.parse(await run(process.execPath, args, { env: platform.env })) as Samples;
}

/** The same bytes as objects, by the client that the platform has. */
async function timeOfPuts({ endpoint, accessKey, secretKey }: Minio): Promise<number> {
  const store = await openBlobStore({ type: 's3', endpoint, accessKey, secretKey, bucket: 'puts' });
  const content = randomBytes(FILE_BYTES);
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < FILES; index = next++) {
      const bytes = Buffer.from(content);
      bytes.writeUInt32LE(index);
      await store.putBytes(bytes);
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return performance.now() - startedMs;
}

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { openBlobStore } from '@gantry/blobs';
import { findRuncProblem } from '@gantry/containers';

import { findMinio, startMinio, type Minio } from './baselines/minio.ts';
import { contentsOf, writeFiles } from './new-files.ts';
import { deploy, startPlatform, type Platform } from './platform.ts';
import { run, temporaryDirectory } from './processes.ts';
import { judge, judgeLimit, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const CLIENT = join(import.meta.dirname, 'clients/volume-client.ts');
const FILES = 64;
const FILE_BYTES = 16 * 1024 * 1024;
const MIB = (FILES * FILE_BYTES) / 2 ** 20;

/** Of the GiB and of its baseline, one after the other: either is quick enough for others on the disk to matter. */
const TURNS_ON_DISK = 5;
const SMALL_COMMITS = 10;

/** A GiB written into a volume by a container and committed; and commits of one file among 100,000. */
export async function benchmarkCommits({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const problem = findRuncProblem();
  if (problem) console.error(`  left out: runc, ${problem.message}`);
  const results: BenchResult[] = [];
  for (const driver of problem ? (['process'] as const) : (['process', 'runc'] as const)) {
    await using platform = await startPlatform({ synced: true, driver });
    await deployApp(platform);
    const times = await inTurns(platform, rounds * TURNS_ON_DISK, () => timeOfCopy(platform.directory));
    const name = `1 GiB in 64 files written and committed, ${driver}, disk`;
    results.push(
      judged(name, { ...times, baseline: 'cp, then sync' }),
      await benchmarkOne(platform, rounds, `${driver}, disk`),
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
  await deployApp(platform);
  const times = await inTurns(platform, rounds, () => timeOfPuts(minio));
  return [
    judged('1 GiB in 64 files written and committed, process, MinIO', {
      ...{ ...times, baseline: '8 parallel puts of the files' },
    }),
    await benchmarkOne(platform, rounds, 'process, MinIO'),
  ];
}

interface Times {
  ours: number[];
  baselines: number[];
}

function judged(name: string, { ours, baselines, baseline }: Times & { baseline: string }): BenchResult {
  const rate = (times: readonly number[]): number => MIB / (median(times) / 1000);
  const measured = { name, unit: 'MiB/s', value: rate(ours), baseline, baselineValue: rate(baselines) };
  return judge(measured, '>=', 0.5);
}

async function deployApp({ env }: Platform): Promise<void> {
  await deploy([join(import.meta.dirname, 'app/volume-app.ts')], env);
}

/** Each begins when what was written before is on disk, whoever wrote it: a container cannot bring that about. */
async function inTurns(
  platform: Platform,
  turns: number,
  timeOfBaseline: () => Promise<number>,
): Promise<Times> {
  const times: Times = { ours: [], baselines: [] };
  for (let turn = 0; turn < turns; turn++) {
    await haveDone(platform, ['remove']);
    await sync(platform.directory);
    times.ours.push(...(await haveDone(platform, ['write', FILES, FILE_BYTES])));
    await sync(platform.directory);
    times.baselines.push(await timeOfBaseline());
  }
  return times;
}

async function benchmarkOne(platform: Platform, rounds: number, where: string): Promise<BenchResult> {
  const times = await haveDone(platform, ['many', rounds * SMALL_COMMITS]);
  const name = `commit of one file among 100,000, ${where}`;
  return judgeLimit({ name, unit: 'ms', value: median(times) }, 100);
}

async function haveDone({ env }: Platform, act: readonly (string | number)[]): Promise<number[]> {
  return JSON.parse(await run(process.execPath, [CLIENT, ...act.map(String)], { env })) as number[];
}

/** In a folder of the platform's disk, whatever disk containers have. */
async function timeOfCopy(directory: string): Promise<number> {
  const folder = await mkdtemp(join(directory, 'bench-'));
  try {
    await mkdir(join(folder, 'from'));
    await writeFiles(join(folder, 'from'), FILES, contentsOf(FILE_BYTES));
    await sync(folder);
    const startedMs = performance.now();
    await run('cp', ['-r', join(folder, 'from'), join(folder, 'to')]);
    await sync(folder);
    return performance.now() - startedMs;
  } finally {
    await rm(folder, { recursive: true });
    await sync(directory);
  }
}

async function sync(folder: string): Promise<void> {
  await run('sync', ['--file-system', folder]);
}

/** The same bytes as objects, by the client that the platform has. */
async function timeOfPuts({ endpoint, accessKey, secretKey }: Minio): Promise<number> {
  const store = await openBlobStore({ type: 's3', endpoint, accessKey, secretKey, bucket: 'puts' });
  const contents = contentsOf(FILE_BYTES);
  let next = 0;
  const lane = async (content: Buffer): Promise<void> => {
    for (let index = next++; index < FILES; index = next++) {
      content.writeUInt32LE(index);
      await store.putBytes(content);
    }
  };
  const startedMs = performance.now();
  await Promise.all(contents.map(lane));
  return performance.now() - startedMs;
}

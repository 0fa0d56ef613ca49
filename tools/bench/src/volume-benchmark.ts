import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type BlobStore, type BlobStoreConfig, openBlobStore, volumeStoreConfig } from '@gantry/blobs';
import { findMountProblem, VersionMounts } from '@gantry/mounts';
import { BLOCK_BYTES, type VolumeChange, type VolumeEntry } from '@gantry/protocol';
import { VolumeTree } from '@gantry/volumes';

import { findMinio, startMinio } from './baselines/minio.ts';
import { judge, judgeLimit, report, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const run = promisify(execFile);
const DAEMON = join(import.meta.dirname, '../../../dist/mount-daemon.mjs');
const FILES = 64;
const BLOCKS_PER_FILE = 4;
const GIB_FILES = FILES * BLOCKS_PER_FILE;
const MIB = (GIB_FILES * BLOCK_BYTES) / 2 ** 20;
const MANY_FILES = 100_000;
const AT_ONCE = 8;

/** Mounts of volumes, and reads of a GiB in them, from a store on this disk and from MinIO. */
export async function benchmarkVolumes({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const problem = findMountProblem();
  if (problem) {
    console.error(`  left out: ${problem.message}. ${problem.hint}`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  try {
    const disk: BlobStoreConfig = { type: 'disk', path: join(folder, 'blobs') };
    const results = await benchmarkStore({ name: 'disk', blobs: disk, folder: join(folder, 'disk'), rounds });
    const program = findMinio();
    if (program === undefined) {
      console.error('  left out: MinIO, as there is no "minio" program');
      return results;
    }
    await using minio = await startMinio(program, join(folder, 'objects'));
    const { endpoint, accessKey, secretKey } = minio;
    const s3: BlobStoreConfig = { type: 's3', endpoint, accessKey, secretKey, bucket: 'bench' };
    const far = { name: 'MinIO', blobs: s3, folder: join(folder, 'minio'), rounds };
    return [...results, ...(await benchmarkStore(far))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Setting {
  name: string;
  blobs: BlobStoreConfig;
  folder: string;
  rounds: number;
}

async function benchmarkStore(setting: Setting): Promise<BenchResult[]> {
  const store = await openBlobStore(volumeStoreConfig(setting.blobs));
  const plain = join(setting.folder, 'plain');
  await mkdir(plain, { recursive: true });
  const { root, digests } = await writeGib(store, plain);
  const many = await Promise.all(
    Array.from({ length: setting.rounds + 1 }, (_, round) => writeMany(store, round)),
  );
  const times = { gets: [] as number[], cold: [] as number[], anew: [] as number[], warm: [] as number[] };
  const local: number[] = [];
  const mountMs: number[] = [];
  for (let round = 0; round < setting.rounds; round++) {
    const cacheFolder = join(setting.folder, `cache-${round}`);
    const setup = { blobs: setting.blobs, cacheFolder, cacheBytes: 4 * 2 ** 30 };
    const mounts = new VersionMounts({
      ...{ folder: join(setting.folder, 'mounts'), program: DAEMON, setup },
      warn: (message) => console.error(`  ${message}`),
    });
    try {
      times.gets.push(await timeOf(() => getAll(store, digests)));
      const first = await mounts.mount({ root, ownerId: 0 });
      times.cold.push(await timeOf(() => readAll(first.path)));
      // For another owner it is another mount, of which the kernel knows nothing yet.
      const second = await mounts.mount({ root, ownerId: 1 });
      times.anew.push(await timeOf(() => readAll(second.path)));
      await readAll(plain);
      // What is written to the cache until now would disturb one more than the other.
      await run('sync', ['--file-system', setting.folder]);
      for (let turn = 0; turn < 9; turn++) {
        times.warm.push(await timeOf(() => readAll(first.path)));
        local.push(await timeOf(() => readAll(plain)));
      }
      mountMs.push(await timeOf(() => mounts.mount({ root: many[round], ownerId: 0 })));
    } finally {
      await mounts.close();
      await rm(cacheFolder, { recursive: true, force: true });
    }
  }
  return [
    judgeLimit(
      { name: `mount of a volume of 100,000 files, ${setting.name}`, unit: 'ms', value: median(mountMs) },
      300,
    ),
    ...readResults(setting.name, { ...times, local }),
  ];
}

function readResults(
  name: string,
  times: Record<'gets' | 'cold' | 'anew' | 'warm' | 'local', number[]>,
): BenchResult[] {
  const rate = (ms: number): number => MIB / (ms / 1000);
  const measured = (what: string, ms: number[]) => ({
    ...{ name: `1 GiB read from a volume, ${what}, ${name}`, unit: 'MiB/s', value: rate(median(ms)) },
  });
  const gets = { baseline: '8 parallel gets from the store', baselineValue: rate(median(times.gets)) };
  const files = { baseline: 'local files, in memory', baselineValue: rate(Math.min(...times.local)) };
  return [
    judge({ ...measured('cold', times.cold), ...gets }, '>=', 0.6),
    // Of many turns the quickest: a few hundred milliseconds measure whatever else the machine does.
    judge({ ...measured('warm', [Math.min(...times.warm)]), ...files }, '>=', 0.7),
    report({ ...measured('its blocks here, mounted anew', times.anew), ...files }),
  ];
}

/** Stores a GiB in files, and the same beside it as plain files. */
async function writeGib(store: BlobStore, plain: string): Promise<{ root: string; digests: string[] }> {
  const changes: VolumeChange[] = [];
  const digests: string[] = [];
  for (let index = 0; index < FILES; index++) {
    const content = randomBytes(BLOCKS_PER_FILE * BLOCK_BYTES);
    await writeFile(join(plain, String(index)), content);
    const pieces = Array.from({ length: BLOCKS_PER_FILE }, (_, at) =>
      store.putBytes(content.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)),
    );
    const blocks = (await Promise.all(pieces)).map(({ digest }) => digest);
    digests.push(...blocks);
    const entry: VolumeEntry = { type: 'file', mode: 0o644, mtimeMs: 0, sizeBytes: content.length, blocks };
    changes.push({ path: String(index), entry });
  }
  return { root: await writeTree(store, changes), digests };
}

async function writeMany(store: BlobStore, round: number): Promise<string> {
  const { digest } = await store.putBytes(Buffer.from('content'));
  const entry: VolumeEntry = { type: 'file', mode: 0o644, mtimeMs: round, sizeBytes: 7, blocks: [digest] };
  const changes = Array.from({ length: MANY_FILES }, (_, index) => ({
    path: `d${index % 100}/e${Math.floor(index / 100) % 10}/file-${index}`,
    entry,
  }));
  return writeTree(store, changes);
}

async function writeTree(store: BlobStore, changes: readonly VolumeChange[]): Promise<string> {
  const pages = {
    read: (digest: string) => store.getBytes(digest),
    write: async (bytes: Uint8Array) => (await store.putBytes(bytes)).digest,
  };
  return (await (await VolumeTree.open(pages, undefined)).apply(changes)).save();
}

async function getAll(store: BlobStore, digests: readonly string[]): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let digest = digests[next++]; digest !== undefined; digest = digests[next++])
      await store.getBytes(digest);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/** As a program with some threads reads files. */
async function readAll(folder: string): Promise<void> {
  const script = 'cd "$1" && ls | xargs -P 8 -n 8 cat > /dev/null';
  await run('sh', ['-c', script, 'sh', folder]);
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await action();
  return performance.now() - startedMs;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import {
  findRuncProblem,
  ProcessDriver,
  RuncDriver,
  type Container,
  type ContainerDriver,
} from '@gantry/containers';
import { buildApp } from '@gantry/manifest';
import type { FunctionSpec, RunnerToWorker, WorkerToRunner } from '@gantry/protocol';
import { FrameChannel } from '@gantry/runner';

import { CpuAccount } from './cpu-account.ts';
import { processTree } from './process-tree.ts';
import { judge, judgeLimit, type BenchResult } from './result.ts';
import { median } from './statistics.ts';

const RUNNER = join(import.meta.dirname, '../../../dist/runner.cjs');
const DISK_MIB = 32_768;
const MANY = 100;
const AT_ONCE = 4;
const SETTLE_MS = 3_000;
/** The first start compiles the runner; that takes two seconds, once. */
const FIRST_START_MS = 6_000;

let count = 0;

/** The trivial function that containers have loaded when they are idle. */
interface Code {
  bundle: string;
  spec: FunctionSpec;
}

async function buildCode(folder: string): Promise<Code> {
  const built = await buildApp({ entry: join(import.meta.dirname, 'app/app.ts'), outDir: folder });
  const spec = built.manifest.functions.find(({ name }) => name === 'double');
  if (!spec) throw new Error('the benchmark app has no function "double"');
  return { bundle: built.files.bundle, spec };
}

/** Has a container load its code, as a worker does, until it waits for inputs. */
async function load(container: Container, { bundle, spec }: Code): Promise<void> {
  const channel = new FrameChannel<RunnerToWorker, WorkerToRunner>(container.channel);
  const ready = new Promise<void>((resolve, reject) => {
    channel.listen({
      onMessage: ({ type }) => {
        if (type === 'ready') resolve();
        if (type === 'loadFailed') reject(new Error('the code of the benchmark could not be loaded'));
      },
      onClose: () => reject(new Error('the container ended')),
    });
  });
  channel.send({
    ...{ type: 'load', containerId: container.id, appId: 'ap-bench', functionId: 'fu-bench' },
    ...{ environment: 'main', parameters: {}, env: {}, urls: {}, maxInputs: 1, spec },
    bundlePath: container.pathInside(bundle),
    httpSocketPath: container.innerSocketPath,
  });
  await ready;
}

/** Until the runner of a new container speaks. */
async function start(driver: ContainerDriver, code: Code): Promise<{ container: Container; tookMs: number }> {
  const startedMs = performance.now();
  const container = await driver.start({
    id: `ta-bench-${++count}`,
    limits: { cpu: 0.125, diskMiB: DISK_MIB },
    mounts: [{ source: dirname(code.bundle), target: '/opt/gantry/bundle' }],
    code: code.bundle,
  });
  container.stdout.resume();
  container.stderr.resume();
  if (container.channel.readableLength === 0) await once(container.channel, 'readable');
  return { container, tookMs: performance.now() - startedMs };
}

async function timeOf(driver: ContainerDriver, code: Code, restMs: number): Promise<number> {
  const { container, tookMs } = await start(driver, code);
  container.kill();
  await container.exited;
  driver.prewarm();
  await delay(restMs);
  return tookMs;
}

/** Starts of runc containers against plain processes, and what many of them cost that do nothing. */
export async function benchmarkContainers({ rounds }: { rounds: number }): Promise<BenchResult[]> {
  const problem = findRuncProblem();
  if (problem) {
    console.error(`  left out: ${problem.message}. ${problem.hint}`);
    return [];
  }
  // Before anything is started, so that all of it is counted.
  const account = new CpuAccount();
  const folder = await mkdtemp(join(tmpdir(), 'gantry-bench-'));
  const code = await buildCode(join(folder, 'code'));
  const shared = { runnerPath: RUNNER, prewarmDiskMiB: DISK_MIB };
  const env = { GANTRY_COMPILE_CACHE: join(folder, 'compiled') };
  const plain = new ProcessDriver({ dataDir: join(folder, 'plain'), runnerPath: RUNNER, env });
  const pooled = new RuncDriver({ ...shared, dataDir: join(folder, 'runc'), prewarm: 1 });
  await delay(FIRST_START_MS);
  // In the same folder, to have the runner compiled, and without containers that wait.
  const cold = new RuncDriver({ ...shared, dataDir: join(folder, 'runc') });
  try {
    const times = { plain: [] as number[], cold: [] as number[], pooled: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      times.plain.push(await timeOf(plain, code, 100));
      times.cold.push(await timeOf(cold, code, 300));
      times.pooled.push(await timeOf(pooled, code, 1_000));
    }
    await pooled.close();
    const [plainMs, coldMs] = [median(times.plain), median(times.cold)];
    return [
      judge(
        {
          ...{ name: 'start of a runc container, none waiting', unit: 'ms', value: coldMs },
          ...{ baseline: 'of a process, none waiting', baselineValue: plainMs },
        },
        '<=',
        1.5,
      ),
      judgeLimit(
        { name: 'start of a runc container, one waiting', unit: 'ms', value: median(times.pooled) },
        60,
      ),
      ...(await benchmarkMany({ account, driver: cold, code })),
    ];
  } finally {
    await Promise.all([plain.close(), pooled.close(), cold.close()]);
    await account.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface ManyOptions {
  account: CpuAccount;
  driver: ContainerDriver;
  code: Code;
}

async function benchmarkMany({ account, driver, code }: ManyOptions): Promise<BenchResult[]> {
  const nodes = await costOf(account, async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6); console.log(1)'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    return { pid: child.pid as number, ended, end: () => void child.kill('SIGKILL') };
  });
  const containers = await costOf(account, async () => {
    return running((await start(driver, code)).container);
  });
  const loaded = await costOf(account, async () => {
    const { container } = await start(driver, code);
    await load(container, code);
    return running(container);
  });
  const baseline = (unit: string, value: number, baselineValue: number) => ({
    ...{ unit, value, baselineValue, baseline: 'bare node' },
  });
  const lines = (name: string, cost: Cost): BenchResult[] => [
    judge(
      {
        name: `resident memory of each of ${MANY} ${name}, runtime included`,
        ...baseline('MiB', cost.residentMiB / MANY, nodes.residentMiB / MANY),
      },
      '<=',
      1.3,
    ),
    judge(
      { name: `CPU time to start ${MANY} ${name}`, ...baseline('ms', cost.cpuMs, nodes.cpuMs) },
      '<=',
      1.5,
    ),
  ];
  return [
    ...lines('runc containers without code', containers),
    ...lines('runc containers of a trivial function', loaded),
  ];
}

/** A process with whatever it took to start it. */
interface Running {
  pid: number;
  ended: Promise<unknown>;
  end(): void;
}

function running(container: Container): Running {
  return { pid: container.pid, ended: container.exited, end: () => container.kill() };
}

interface Cost {
  residentMiB: number;
  cpuMs: number;
}

/** What it costs to start many, in all programs that it takes, until all have run for a moment, and what they hold then. */
async function costOf(account: CpuAccount, startOne: () => Promise<Running>): Promise<Cost> {
  const before = { residentMiB: await residentMiB(), cpuMs: account.readMs() };
  const all: Running[] = [];
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started++ < MANY) all.push(await startOne());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  await delay(SETTLE_MS);
  const cpuMs = account.readMs(all.map(({ pid }) => pid));
  const after = { residentMiB: await residentMiB(), cpuMs };
  for (const { end } of all) end();
  await Promise.all(all.map(({ ended }) => ended));
  await delay(SETTLE_MS);
  return { residentMiB: after.residentMiB - before.residentMiB, cpuMs: after.cpuMs - before.cpuMs };
}

/** Of all that this program has started, without itself. */
async function residentMiB(): Promise<number> {
  let sum = 0;
  for (const pid of await processTree(process.pid)) {
    const status = pid === process.pid ? '' : await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    sum += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }
  return sum;
}

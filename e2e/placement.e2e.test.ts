import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import { temporaryDirectory, type TemporaryDirectory, waitUntil } from '@gantry/testing';
import { Client, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createProject, type Project } from './lifecycle-project.ts';
import { fetchHttps, runCli, startPlatform, type Platform, type ProgramResult } from './platform.ts';

const APPS = join(import.meta.dirname, 'placement');

/** Three GPUs, as their driver's own program tells of them. */
const NVIDIA_SMI = `#!/bin/sh
case "$*" in *utilization*)
  echo "4, 25, 1024, 31.50, 70.00, 44"
  exec sleep 600
esac
echo "0, GPU-aa, NVIDIA A100-SXM4-80GB, 81920"
echo "1, GPU-bb, NVIDIA A100-SXM4-80GB, 81920"
echo "4, GPU-cc, Tesla T4, 15360"
`;

let platform: Platform;
let programs: TemporaryDirectory;
let project: Project;

const gantry = (...args: string[]): Promise<ProgramResult> => runCli(args, platform.env);

function call(app: string, name: string, ...args: unknown[]): Promise<unknown> {
  return RemoteFunction.fromName<(...args: unknown[]) => unknown>(app, name).remote(...args);
}

async function deployOf(options: string): Promise<ProgramResult> {
  const source = `import { App } from 'gantry';
    export const app = new App('asks');
    export const f = app.function(${options}, async () => 1);`;
  return await gantry('deploy', await project.write('asks.ts', source));
}

beforeAll(async () => {
  programs = await temporaryDirectory('gantry-programs-');
  await writeFile(join(programs.path, 'nvidia-smi'), NVIDIA_SMI);
  await chmod(join(programs.path, 'nvidia-smi'), 0o755);
  platform = await startPlatform({
    flags: ['--driver', 'process', '--region', 'eu-west-1', '--cloud', 'own', '--label', 'rack-4,fast'],
    env: { PATH: programs.path + delimiter + (process.env['PATH'] ?? '') },
  });
  process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
  project = await createProject('asks');
  for (const app of ['placed-app.ts', 'restricted-app.ts']) {
    const { code, stderr } = await gantry('deploy', join(APPS, app));
    expect(code, stderr).toBe(0);
  }
});

afterAll(async () => {
  await Client.default().close();
  await platform[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
  await programs.remove();
});

describe('a container', () => {
  test('is told where its machine is', async () => {
    expect(await call('placed', 'plain', 'GANTRY_REGION', 'GANTRY_CLOUD_PROVIDER')).toEqual([
      'eu-west-1',
      'own',
    ]);
    expect(await call('placed', 'near')).toBe('near');
  });

  test('has the GPUs that it asked for, by name, and one without has none', async () => {
    const names = ['CUDA_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES'];
    expect(await call('placed', 'two', ...names)).toEqual(['GPU-aa,GPU-bb', 'GPU-aa,GPU-bb']);
    expect(await call('placed', 'plain', ...names)).toEqual(['', 'void']);
  });

  test('takes the next of several where there is none of the first', async () => {
    expect(await call('placed', 'second', 'CUDA_VISIBLE_DEVICES')).toEqual(['GPU-cc']);
  });

  test('shares its GPUs with no other one', async () => {
    type Held = { gpu: string; fromMs: number; untilMs: number };
    const held = (await Promise.all([1, 2, 3, 4].map(() => call('placed', 'one', 500)))) as Held[];
    for (const { gpu, fromMs, untilMs } of held) {
      expect(gpu).toMatch(/^GPU-(aa|bb|cc)$/);
      const others = held.filter(
        (other) => other.gpu === gpu && other.fromMs < untilMs && other.untilMs > fromMs,
      );
      expect(others).toHaveLength(1);
    }
  });

  test('that fits on no machine waits, and lists and log say what for', async () => {
    const waiting = await RemoteFunction.fromName<() => string>('placed', 'far').spawn();
    const reason = 'no machine has a GPU of type B200';
    for (const command of [
      ['app', 'list'],
      ['container', 'list'],
      ['app', 'logs', 'placed'],
    ]) {
      await waitUntil(
        async () => {
          const { stdout, stderr } = await gantry(...command);
          return (stdout + stderr).includes(reason);
        },
        { what: `"${reason}" in gantry ${command.join(' ')}`, timeoutMs: 20_000 },
      );
    }
    await waiting.cancel();
  });
});

test('what each function used is known when its containers have ended, GPUs by their type', async () => {
  type Report = { rows: { functionName: string; cpuSeconds: number; gpuSeconds: Record<string, number> }[] };
  await call('placed', 'two', 'HOME');
  const two = await waitUntil(
    async () => {
      const { stdout } = await gantry('usage', '--json');
      return (JSON.parse(stdout) as Report).rows.find(({ functionName }) => functionName === 'two');
    },
    { what: '"two" in gantry usage', timeoutMs: 90_000 },
  );
  expect(two.cpuSeconds).toBeGreaterThan(0);
  expect(two.gpuSeconds).toEqual({ 'A100-80GB': expect.any(Number) as number });
  expect((await gantry('usage', '--per', 'hour')).stdout).toMatch(/placed +two .* A100-80GB \d/);
  expect((await gantry('usage', '--env', 'nowhere')).stderr).toContain('nowhere');
});

test('the metrics of a gateway say how GPUs are', async () => {
  const { gatewayUrl, caPath } = platform.ready;
  const metrics = await waitUntil(
    async () => {
      const { body } = await fetchHttps({ url: new URL('/metrics', gatewayUrl).href, caPath });
      return body.includes('gantry_gpu_') ? body : undefined;
    },
    { what: 'GPUs in the metrics', timeoutMs: 30_000 },
  );
  expect(metrics).toMatch(/^gantry_gpu_busy_ratio\{worker="wk-\w+",gpu="4",type="T4"\} 0\.25$/m);
  expect(metrics).toMatch(/^gantry_gpu_memory_used_bytes\{.*gpu="4".*\} 1073741824$/m);
});

describe('a deploy', () => {
  test('says what will wait for another machine', async () => {
    const { code, stderr } = await deployOf("{ gpu: ['H100:2', 'L4'], region: 'rack-4' }");
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('! "f" waits until a machine fits: no machine has a GPU of type H100 or L4');
    const elsewhere = await deployOf("{ region: 'us' }");
    expect(elsewhere.stderr).toContain('no worker is in region us');
    const blocked = await deployOf('{ blockNetwork: true }');
    expect(blocked.stderr).toContain('no worker has isolated containers, which "blockNetwork" needs');
  });

  test('says that plain processes have no network of their own', async () => {
    const { code, stderr } = await deployOf('{ privateNetwork: true }');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('! "f" has no network of its own where containers are plain processes');
  });

  test.each([
    ['{ cpu: 10_000 }', 'cpu 10000 is more than any machine has'],
    ['{ memoryMiB: 100_000_000 }', 'memoryMiB 100000000 is more than any machine has'],
    ["{ gpu: 'A100:4' }", 'no machine has so many GPUs, 4 of type A100: the most is 2'],
  ])('of a function that asks for %s is refused', async (options, reason) => {
    const { code, stderr } = await deployOf(options);
    expect(code).toBe(1);
    expect(stderr).toContain(`"f" fits on no machine: ${reason}`);
  });
});

describe('code with restrictAccess', () => {
  test('runs, may hold handles, and cannot use any object of the platform', async () => {
    const double = RemoteFunction.fromName<(x: number) => number>('restricted', 'double');
    const earlier = await double.spawn(4);
    await earlier.get();

    const ends = (await call('restricted', 'attempts', double, earlier.objectId)) as Record<string, string>;
    expect(Object.keys(ends)).toHaveLength(9);
    for (const [attempt, end] of Object.entries(ends)) {
      expect(end, attempt).toContain('AuthError: the option "restrictAccess" keeps this code from');
    }
  });
});

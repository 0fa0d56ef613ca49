import { execFileSync, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import { temporaryDirectory, type TemporaryDirectory, waitUntil } from '@gantry/testing';
import { Client, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { createProject, type Project } from './lifecycle-project.ts';
import { fetchHttps, runCli, startPlatform, type Platform, type ProgramResult } from './platform.ts';
import type { Sight } from './real-gpus/gpus-app.ts';

const APP = join(import.meta.dirname, 'real-gpus/gpus-app.ts');
const CUDA_PROBE = join(import.meta.dirname, '../libs/containers/src/gpus/cuda-probe.c');

const uuids = uuidsOf('nvidia-smi');
const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const missing = uuids.length === 0 ? 'no GPU here' : hasCompiler ? undefined : 'no "cc" here';

function uuidsOf(program: string): string[] {
  const { status, stdout } = spawnSync(program, ['--query-gpu=uuid', '--format=csv,noheader'], {
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim().split('\n') : [];
}

const DRIVERS = [
  { driver: 'process', problem: undefined },
  { driver: 'runc', problem: findRuncProblem()?.message },
];

describe.each(DRIVERS)('on real GPUs, a container of the driver $driver', ({ driver, problem }) => {
  const why = missing ?? problem;
  let platform: Platform;
  let work: TemporaryDirectory;
  let project: Project;
  let program: Uint8Array;

  const gantry = (...args: string[]): Promise<ProgramResult> => runCli(args, platform.env);

  async function call<T>(name: string, ...args: unknown[]): Promise<T> {
    return (await RemoteFunction.fromName<(...args: unknown[]) => unknown>('gpus', name).remote(
      ...args,
    )) as T;
  }

  beforeAll(async () => {
    if (why) return;
    work = await temporaryDirectory('gantry-gpus-');
    const path = join(work.path, 'cuda-probe');
    execFileSync('cc', ['-O2', '-o', path, CUDA_PROBE, '-ldl', '-lm']);
    program = await readFile(path);
    platform = await startPlatform({ flags: ['--driver', driver] });
    process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
    project = await createProject('gpus');
    const { code, stderr } = await gantry('deploy', APP);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('no machine has a GPU of type Z1000');
  });

  afterAll(async () => {
    if (why) return;
    await Client.default().close();
    await platform[Symbol.asyncDispose]();
    await project[Symbol.asyncDispose]();
    await work.remove();
  });

  test.skipIf(why)('computes on the GPU that it asked for', async () => {
    const { visible, listed, cuda, nodes } = await call<Sight>('one', program);
    expect(uuids).toContain(visible);
    expect(listed).toContain(visible);
    expect(cuda).toMatchObject({ count: 1, error: expect.any(Number) as number });
    expect(cuda.error).toBeLessThan(1e-5);
    if (driver === 'runc') expect(nodes.filter((name) => /^nvidia\d/.test(name))).toHaveLength(1);
    expect((await call<Sight>('second', program)).cuda.count).toBe(1);
  });

  test.skipIf(why)('that asked for none has none', async () => {
    const { visible, cuda, nodes } = await call<Sight>('none', program);
    expect(visible).toBe('');
    expect(cuda.count).toBeUndefined();
    if (driver === 'runc') expect(nodes).toEqual([]);
  });

  test.skipIf(why)('has its GPU for itself', async () => {
    type Held = { gpus: string[]; fromMs: number; untilMs: number };
    const names = ['left', 'right', 'left', 'right'];
    const held = await Promise.all(names.map((name) => call<Held>(name, 300)));
    for (const { gpus, fromMs, untilMs } of held) {
      expect(gpus).toHaveLength(1);
      const others = held.filter(
        (other) => other.gpus[0] === gpus[0] && other.fromMs < untilMs && other.untilMs > fromMs,
      );
      expect(others).toHaveLength(1);
    }
  });

  test.skipIf(why)('is on GPUs whose state is in the metrics of the gateway', async () => {
    const { gatewayUrl, caPath } = platform.ready;
    const metrics = await waitUntil(
      async () => {
        const { body } = await fetchHttps({ url: new URL('/metrics', gatewayUrl).href, caPath });
        return body.includes('gantry_gpu_memory_used_bytes{') ? body : undefined;
      },
      { what: 'GPUs in the metrics', timeoutMs: 30_000 },
    );
    const temperatures = /^gantry_gpu_temperature_celsius\{.*\} \d+$/gm;
    expect(metrics.match(temperatures)).toHaveLength(uuids.length);
  });

  test.skipIf(why)('waits for a type that no machine has, and is refused for too many', async () => {
    const waiting = await RemoteFunction.fromName<() => string>('gpus', 'never').spawn();
    const said = async (): Promise<string> => {
      const { stdout, stderr } = await gantry('container', 'list');
      return stdout + stderr;
    };
    await waitUntil(async () => (await said()).includes('no machine has a GPU of type Z1000'), {
      what: 'the reason why it waits',
      timeoutMs: 20_000,
    });
    await waiting.cancel();
    const source = `import { App } from 'gantry';
      export const app = new App('asks');
      export const f = app.function({ gpu: 'any:${uuids.length + 1}' }, async () => 1);`;
    const { code, stderr } = await gantry('deploy', await project.write('asks.ts', source));
    expect(code).toBe(1);
    expect(stderr).toContain('no machine has so many GPUs');
  });
});

import type { FunctionUsage } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const EVER = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
let folder: TemporaryDirectory;
let runnerPath: string;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-usage-');
  runnerPath = await bundleRunner(folder.path);
});
afterAll(() => folder?.remove());

async function usageOf(platform: WorkerUnderTest, appId: string): Promise<FunctionUsage | undefined> {
  const hours = await platform.messaging.usage.read(EVER);
  return hours.flatMap(({ functions }) => functions).find((one) => one.appId === appId);
}

const SLEEPER = `{ kind: 'function', name: 'sleeper', fn: () => 1 }`;

describe('what the containers of a worker took up', () => {
  it('is kept soon after one ended', async () => {
    await using platform = await WorkerUnderTest.start(runnerPath);
    const record = await platform.deploy(SLEEPER, { cpu: 2, memoryMiB: 1024 });
    const containerId = await platform.startContainer(record);
    await platform.command({ type: 'kill', containerId, reason: 'test' });
    const usage = await waitUntil(() => usageOf(platform, record.appId), { timeoutMs: 40_000 });
    expect(usage).toMatchObject({ appName: 'test', functionName: 'sleeper', gpuSeconds: {} });
    // Less than a GiB, so what was reserved.
    expect(usage.memoryGiBSeconds).toBeCloseTo(usage.containerSeconds, 5);
    expect(usage.cpuSeconds).toBeGreaterThanOrEqual(2 * usage.containerSeconds);
  });

  it('is kept when the worker stops, with that of those which run to its end', async () => {
    await using platform = await WorkerUnderTest.start(runnerPath);
    const record = await platform.deploy(SLEEPER);
    await platform.startContainer(record);
    await platform.worker.stop();
    expect((await usageOf(platform, record.appId))?.containerSeconds).toBeGreaterThan(0);
  });
});

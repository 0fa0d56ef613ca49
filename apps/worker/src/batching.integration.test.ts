import { newId, type FunctionRecord } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-runner-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path));
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

/** Starts a container that may end before anybody sees it ready. */
async function orderContainer(record: FunctionRecord): Promise<string> {
  const containerId = newId('ta');
  const order = { fence: 1, containerId, pool: record.id, parameters: {}, record };
  expect(await platform.command({ type: 'start', ...order })).toEqual({ ok: true });
  return containerId;
}

const freeFunction = (name: string, code: string): string =>
  `{ kind: 'function', name: '${name}', fn: ${code} }`;
const SIZES = freeFunction('sizes', 'async (xs, ys) => xs.map((x, i) => [x + ys[i], xs.length])');

describe('a batched function', () => {
  it('gets lists that are full as long as enough inputs wait, and answers each input with its own item', async () => {
    const record = await platform.deploy(SIZES, { batching: { maxBatchSize: 4, waitMs: 100 } });
    const call = await platform.submit(
      record,
      '',
      Array.from({ length: 9 }, (_, x) => [x, 10 * x]),
    );
    await platform.startContainer(record);
    const results = await Promise.all(Array.from({ length: 9 }, (_, index) => call.value(index)));
    expect(results.map((result) => (result as number[])[0])).toEqual(
      Array.from({ length: 9 }, (_, x) => 11 * x),
    );
    expect(results.map((result) => (result as number[])[1]).sort()).toEqual([1, 4, 4, 4, 4, 4, 4, 4, 4]);
    await waitUntil(async () => (await platform.messaging.inputs.openInputs(call.callId)) === 0);
  });

  it('runs a part batch once waitMs passed since its first input', async () => {
    const record = await platform.deploy(SIZES, { batching: { maxBatchSize: 50, waitMs: 30 } });
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [
      [1, 1],
      [2, 2],
    ]);
    expect(await call.value(0)).toEqual([2, 2]);
    expect(await call.value(1)).toEqual([4, 2]);
  });

  it('fails every caller clearly if the list has another length', async () => {
    const record = await platform.deploy(freeFunction('short', 'async (xs) => xs.slice(1)'), {
      batching: { maxBatchSize: 2, waitMs: 1_000 },
      retries: { maxRetries: 2, initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 1_000 },
    });
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[1], [2]]);
    for (const index of [0, 1]) {
      const { outcome, attempt } = await call.output(index);
      expect(attempt).toBe(0);
      expect(outcome).toMatchObject({
        type: 'failure',
        failure: {
          name: 'InvalidError',
          message: 'the batched function returned a list of 1 for a batch of 2',
        },
      });
    }
  });

  it('retries each member of a failed batch by its own budget', async () => {
    const record = await platform.deploy(
      freeFunction(
        'flaky',
        `(() => { let runs = 0; return async (xs) => {
          if (runs++ === 0) throw new Error('first run');
          return xs.map((x) => [x, runs]); }; })()`,
      ),
      {
        batching: { maxBatchSize: 2, waitMs: 200 },
        retries: { maxRetries: 1, initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 1_000 },
      },
    );
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[7], [8]]);
    expect(await call.value(0)).toEqual([7, 2]);
    expect(await call.value(1)).toEqual([8, 2]);
    expect((await call.output(0)).attempt).toBe(1);
  });

  it('goes on for the others when one caller cancels, and keeps its place until the batch ends', async () => {
    const record = await platform.deploy(
      freeFunction('slow', 'async (xs) => { await new Promise((r) => setTimeout(r, 300)); return xs; }'),
      { batching: { maxBatchSize: 2, waitMs: 1_000 } },
    );
    const containerId = await platform.startContainer(record);
    const [stays, leaves] = await Promise.all([
      platform.submit(record, '', [['stays']]),
      platform.submit(record, '', [['leaves']]),
    ]);
    await waitUntil(() => platform.container(containerId)?.running === 2);
    platform.messaging.publish('gantry.cancel', { callId: leaves.callId, terminateContainers: false });
    expect((await leaves.output()).outcome).toMatchObject({
      type: 'failure',
      failure: { code: 'CANCELLED' },
    });
    expect(stays.published).toHaveLength(0);
    expect(await stays.value()).toBe('stays');
  });

  it('ends all members of a batch that runs longer than timeoutMs', async () => {
    const record = await platform.deploy(freeFunction('stuck', 'async () => new Promise(() => {})'), {
      batching: { maxBatchSize: 2, waitMs: 100 },
      timeoutMs: 100,
    });
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[1], [2]]);
    for (const index of [0, 1]) {
      expect((await call.output(index)).outcome).toMatchObject({
        type: 'failure',
        failure: { name: 'FunctionTimeoutError' },
      });
    }
  });

  it('runs what has gathered when its container is stopped', async () => {
    const record = await platform.deploy(SIZES, { batching: { maxBatchSize: 9, waitMs: 60_000 } });
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, '', [[1, 2]]);
    await waitUntil(() => platform.container(containerId)?.running === 1);
    await platform.command({ type: 'stop', fence: 1, containerId, reason: 'scale down' });
    expect(await call.value()).toEqual([3, 1]);
    await waitUntil(() => platform.container(containerId)?.state === 'stopped');
    expect(platform.container(containerId)?.exit).toMatchObject({ reason: 'stopped', code: 0 });
  });
});

describe('a container with a limit of inputs', () => {
  it('takes no more than its limit, then ends, and the next one takes the rest', async () => {
    const record = await platform.deploy(freeFunction('pid', 'async () => process.pid'), {
      maxInputsPerContainer: 1,
      maxInputs: 4,
    });
    const call = await platform.submit(record, '', [[], []]);
    const first = await orderContainer(record);
    await waitUntil(() => platform.container(first)?.state === 'stopped');
    expect(platform.container(first)?.exit).toMatchObject({ reason: 'stopped', code: 0 });
    expect(call.published).toHaveLength(1);
    const second = await orderContainer(record);
    await waitUntil(() => platform.container(second)?.state === 'stopped');
    const pids = await Promise.all([call.value(0), call.value(1)]);
    expect(new Set(pids).size).toBe(2);
  });

  it('serves until its last input has ended, and says that it takes no more', async () => {
    const record = await platform.deploy(
      freeFunction('wait', 'async () => new Promise((r) => setTimeout(r, 300, 1))'),
      { maxInputsPerContainer: 1 },
    );
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    await waitUntil(() => platform.container(containerId)?.exhausted === true);
    expect(platform.container(containerId)).toMatchObject({ state: 'ready', running: 1, maxInputs: 1 });
    expect(await call.value()).toBe(1);
    await waitUntil(() => platform.container(containerId)?.state === 'stopped');
  });

  it('drains when its code asks for no more inputs', async () => {
    const record = await platform.deploy(
      freeFunction(
        'worn',
        "async (stop) => { if (stop) globalThis[Symbol.for('gantry.host')].stopFetching(); return process.pid; }",
      ),
    );
    const first = await platform.startContainer(record);
    const one = await platform.submit(record, '', [[true]]);
    const pid = await one.value();
    await waitUntil(() => platform.container(first)?.state === 'stopped');
    const two = await platform.submit(record, '', [[false]]);
    await platform.startContainer(record);
    expect(await two.value()).not.toBe(pid);
  });
});

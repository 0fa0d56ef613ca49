import { newId, type FunctionRecord } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-attempts-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path));
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

const AT_ONCE = { initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 1_000 };
/** As long as nobody aborts it: what user code does with `currentSignal()`. */
const SLEEP = `(ms) => new Promise((resolve, reject) => {
  const { signal } = globalThis[Symbol.for('gantry.host')].currentInput();
  const timer = setTimeout(() => resolve('slept'), ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
})`;

const named = (name: string, fn: string): string => `{ kind: 'function', name: '${name}', fn: ${fn} }`;

/** Starts a container, and does not wait for it. */
async function order(record: FunctionRecord): Promise<string> {
  const containerId = newId('ta');
  await platform.command({
    ...{ type: 'start', fence: 1, containerId, pool: record.id, parameters: {}, record },
  });
  return containerId;
}

const endOf = async (containerId: string) => {
  await waitUntil(() => platform.container(containerId)?.state === 'stopped', { timeoutMs: 20_000 });
  return platform.container(containerId)?.exit;
};

describe('the clock of an attempt', () => {
  it('runs while its code does: neither a wait in the queue nor a slow start counts', async () => {
    const slow = `(await new Promise((resolve) => setTimeout(resolve, 1_500)), ${named('slow', SLEEP)})`;
    const record = await platform.deploy(slow, { timeoutMs: 1_000 });
    const call = await platform.submit(record, '', [[400], [400], [400], [400]]);
    await order(record);
    const values = await Promise.all([0, 1, 2, 3].map((index) => call.value(index)));
    expect(values).toEqual(['slept', 'slept', 'slept', 'slept']);
  });

  it('starts anew at each retry, and a timeout is retried as an error is', async () => {
    const record = await platform.deploy(
      named(
        'late',
        `(() => { let runs = 0; const sleep = ${SLEEP}; return () => sleep(runs++ < 2 ? 60_000 : 300); })()`,
      ),
      { timeoutMs: 500, retries: { maxRetries: 2, ...AT_ONCE } },
    );
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, '', [[]]);
    expect(await call.value()).toBe('slept');
    expect((await call.output()).attempt).toBe(2);
    expect(platform.container(containerId)?.state).toBe('ready');
  });

  it('never ends an attempt early, and says so in the error of the last one', async () => {
    const record = await platform.deploy(named('never', SLEEP), {
      timeoutMs: 400,
      retries: { maxRetries: 1, ...AT_ONCE },
    });
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [[60_000]]);
    const { outcome, attempt, startedAtMs, finishedAtMs } = await call.output();
    expect(attempt).toBe(1);
    expect(finishedAtMs - startedAtMs).toBeGreaterThanOrEqual(400);
    expect(outcome).toMatchObject({
      failure: { name: 'FunctionTimeoutError', message: 'function "never" ran longer than its 400 ms' },
    });
  });

  it('ends a container whose code does not obey; inputs beside it run elsewhere, their retries untouched', async () => {
    const record = await platform.deploy(
      named(
        'shared',
        "(what) => what === 'spin' ? new Promise(() => undefined) : new Promise((resolve) => setTimeout(resolve, 1_500, 'slept'))",
      ),
      { maxInputs: 2, timeoutMs: 2_000 },
    );
    const first = await platform.startContainer(record);
    const stuck = await platform.submit(record, '', [['spin']]);
    await waitUntil(() => platform.container(first)?.running === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_800));
    const neighbour = await platform.submit(record, '', [['nap']]);
    expect(await endOf(first)).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' });
    await platform.startContainer(record);
    expect((await stuck.output()).outcome).toMatchObject({ failure: { name: 'FunctionTimeoutError' } });
    expect(await neighbour.value()).toBe('slept');
    expect((await neighbour.output()).attempt).toBe(0);
  });
});

describe('a container whose event loop stands still', () => {
  it('gets no input until it turns again: others take what comes', async () => {
    const fn = `(ms) => { const endMs = Date.now() + ms; while (Date.now() < endMs); return process.pid; }`;
    const record = await platform.deploy(named('busy', fn), { maxInputs: 4 });
    const containers = [await platform.startContainer(record), await platform.startContainer(record)];
    const long = await platform.submit(record, '', [[9_000]]);
    const takesNoMore = (): boolean => containers.some((id) => platform.container(id)?.exhausted === true);
    await waitUntil(takesNoMore, { timeoutMs: 8_000 });
    const short = await platform.submit(record, '', [[1], [1], [1], [1]]);
    const pids = await Promise.all([0, 1, 2, 3].map((index) => short.value(index)));
    expect(long.published).toEqual([]);
    expect(pids).not.toContain(await long.value());
    await waitUntil(() => !takesNoMore());
  });
});

describe('retries', () => {
  it('are counted for each input of a call by itself', async () => {
    const fn = `(() => { const runs = {}; return (name, failures) => {
      runs[name] = (runs[name] ?? 0) + 1;
      if (runs[name] <= failures) throw new Error(name + ' ' + runs[name]);
      return runs[name];
    }; })()`;
    const record = await platform.deploy(named('flaky', fn), { retries: { maxRetries: 2, ...AT_ONCE } });
    await platform.startContainer(record);
    const call = await platform.submit(record, '', [
      ['a', 0],
      ['b', 1],
      ['c', 2],
      ['d', 9],
    ]);
    const outputs = await Promise.all([0, 1, 2, 3].map((index) => call.output(index)));
    expect(outputs.map(({ attempt, outcome }) => [attempt, outcome.type])).toEqual([
      [0, 'value'],
      [1, 'value'],
      [2, 'value'],
      [2, 'error'],
    ]);
  });
});

describe('a container that does not become ready within startupTimeoutMs', () => {
  it.each([
    ['waits', 'await new Promise(() => setInterval(() => undefined, 1_000))'],
    ['spins', '(() => { for (;;); })()'],
  ])('while its code %s is ended as one that did not load', async (_what, loading) => {
    const record = await platform.deploy(`(${loading}, ${named('slow', '() => 1')})`, {
      startupTimeoutMs: 700,
    });
    expect(await endOf(await order(record))).toMatchObject({
      reason: 'loadFailed',
      message: 'did not become ready within 700 ms',
    });
  });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { decodeValue, newId, type FunctionOptionsSpec, type FunctionRecord } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest, type SubmittedCall } from './worker-under-test.ts';

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-crashes-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path), {
    nodeFlags: ['--max-old-space-size=64'],
  });
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

/** With a platform of its own, as the others' containers may well be silent for a while. */
describe('code that blocks the event loop', () => {
  it('ends its container by heartbeat timeout, which the log says, and fails its input the second time', async () => {
    await using impatient = await WorkerUnderTest.start(join(folder.path, 'runner.cjs'), {
      silenceMs: 2_000,
    });
    const record = await impatient.deploy(`{ kind: 'function', name: 'spin', fn: () => { for (;;); } }`);
    const call = await impatient.submit(record, '', [[]]);
    const first = await impatient.startContainer(record);
    await waitUntil(() => impatient.container(first)?.state === 'stopped', { timeoutMs: 20_000 });
    expect(impatient.container(first)?.exit).toMatchObject({ reason: 'heartbeat', signal: 'SIGKILL' });
    await impatient.startContainer(record);
    expect((await call.output()).outcome).toMatchObject({
      failure: {
        name: 'ContainerError',
        message: expect.stringContaining('blocked the event loop') as string,
      },
    });
    await impatient.logsWith(record, ({ text }) => text.includes('heartbeat timeout'));
  });
});

const runsIn = (trace: string): number => (existsSync(trace) ? readFileSync(trace, 'utf8').length : 0);

/** A function whose argument says what it does; "wait" waits in its first run only. */
function wayward(trace: string, options: FunctionOptionsSpec): Promise<FunctionRecord> {
  return platform.deploy(
    `{ kind: 'function', name: 'wayward', fn: async (what) => {
      const { appendFileSync, readFileSync } = process.getBuiltinModule('node:fs');
      if (what === 'exit') process.exit(3);
      if (what === 'exhaust') {
        const kept = [];
        for (;;) kept.push(new Array(1000).fill(kept));
      }
      if (what === 'hoard') {
        globalThis.kept = [];
        for (;;) {
          globalThis.kept.push(Buffer.alloc(20_000_000, 1));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      if (what === 'die') process.kill(process.pid, 'SIGKILL');
      if (what === 'nap') {
        await new Promise((resolve) => setTimeout(resolve, 300));
        return 'rested';
      }
      appendFileSync(${JSON.stringify(trace)}, 'x');
      if (readFileSync(${JSON.stringify(trace)}, 'utf8').length === 1) await new Promise(() => undefined);
      return 'again';
    } }`,
    options,
  );
}

async function errorOf(call: SubmittedCall): Promise<unknown> {
  const { outcome } = await call.output();
  if (outcome.type !== 'error' || !(outcome.error instanceof Uint8Array)) return outcome;
  return decodeValue(outcome.error);
}

const endOf = async (containerId: string) => {
  await waitUntil(() => platform.container(containerId)?.state === 'stopped', { timeoutMs: 20_000 });
  return platform.container(containerId)?.exit;
};

/** Plays a scheduler that wants one container, until the call is answered. Resolves to how many it took. */
async function serve(record: FunctionRecord, call: SubmittedCall): Promise<number> {
  for (let containers = 0; ; containers++) {
    if (call.published.length === call.inputIds.length) return containers;
    const containerId = newId('ta');
    await platform.command({
      ...{ type: 'start', fence: 1, containerId, pool: record.id, parameters: {}, record },
    });
    await waitUntil(
      () =>
        platform.container(containerId)?.state === 'stopped' ||
        call.published.length === call.inputIds.length,
      { timeoutMs: 30_000 },
    );
  }
}

describe('code that calls process.exit', () => {
  it('fails its input with the exit code after its retries; neighbours run elsewhere, theirs untouched', async () => {
    const trace = join(folder.path, 'exit');
    const record = await wayward(trace, {
      maxInputs: 2,
      retries: { maxRetries: 1, initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 1_000 },
    });
    const first = await platform.startContainer(record);
    const neighbour = await platform.submit(record, '', [['wait']]);
    await waitUntil(() => runsIn(trace) === 1);
    const leaver = await platform.submit(record, '', [['exit']]);
    expect(await endOf(first)).toMatchObject({ reason: 'crashed', code: 3 });
    const second = await platform.startContainer(record);
    expect(await endOf(second)).toMatchObject({ code: 3 });
    expect(await errorOf(leaver)).toMatchObject({
      name: 'ContainerError',
      message: `the code of input "${leaver.inputIds[0]}" called process.exit(3)`,
    });
    expect((await leaver.output()).attempt).toBe(1);
    await platform.startContainer(record);
    expect(await neighbour.value()).toBe('again');
    expect((await neighbour.output()).attempt).toBe(0);
  });
});

describe('code that throws outside every input', () => {
  it('ends its container, whose end says what it threw', async () => {
    const thrower = "setTimeout(() => { throw new Error('homeless'); }, 100)";
    const record = await platform.deploy(`(${thrower}, { kind: 'function', name: 'timer', fn: () => 1 })`);
    const containerId = await platform.startContainer(record);
    expect(await endOf(containerId)).toMatchObject({
      reason: 'crashed',
      code: 1,
      message: 'its code threw outside every input: homeless',
    });
  });
});

describe('a container that runs out of memory', () => {
  it('fails an input that was alone in it, the second time, with an error of its own', async () => {
    const retries = { maxRetries: 3, initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 1_000 };
    const record = await wayward(join(folder.path, 'alone'), { retries });
    const hungry = await platform.submit(record, '', [['exhaust']]);
    expect(await serve(record, hungry)).toBe(2);
    expect(await hungry.output()).toMatchObject({
      attempt: 0,
      outcome: { type: 'failure', failure: { name: 'OutOfMemoryError', code: 'OUT_OF_MEMORY' } },
    });
  });

  it.runIf(process.platform === 'linux')(
    'is ended at the limit of memoryMiB, by which its input fails',
    async () => {
      const record = await wayward(join(folder.path, 'limit'), { memoryMiB: [64, 400] });
      const hoarder = await platform.submit(record, '', [['hoard']]);
      expect(await serve(record, hoarder)).toBe(2);
      expect((await hoarder.output()).outcome).toMatchObject({
        failure: {
          name: 'OutOfMemoryError',
          message: expect.stringContaining('its limit is 400 MiB') as string,
        },
      });
    },
  );

  it('says so in its end and its log, and its inputs run elsewhere', async () => {
    const trace = join(folder.path, 'memory');
    const record = await wayward(trace, { maxInputs: 2 });
    const first = await platform.startContainer(record);
    const neighbour = await platform.submit(record, '', [['wait']]);
    await waitUntil(() => runsIn(trace) === 1);
    const hungry = await platform.submit(record, '', [['exhaust']]);
    expect(await endOf(first)).toMatchObject({
      reason: 'outOfMemory',
      message: 'its JavaScript heap was exhausted',
    });
    await platform.logsWith(record, ({ text }) => text.includes('ended: outOfMemory, signal SIGABRT'));
    platform.messaging.publish('gantry.cancel', { callId: hungry.callId, terminateContainers: false });
    await platform.startContainer(record);
    expect(await neighbour.value()).toBe('again');
  });
});

describe('an input that kills its containers', () => {
  it('runs alone from the third on, and is failed after the fourth; inputs beside it end as always', async () => {
    const record = await wayward(join(folder.path, 'poison'), { maxInputs: 4 });
    const args = ['nap', 'nap', 'die', 'nap', 'nap'].map((what) => [what]);
    const call = await platform.submit(record, '', args);
    expect(await serve(record, call)).toBeGreaterThanOrEqual(4);
    for (const innocent of [0, 1, 3, 4]) expect(await call.value(innocent)).toBe('rested');
    expect((await call.output(2)).outcome).toMatchObject({
      failure: { name: 'ContainerError', code: 'CONTAINER_FAILED' },
    });
  });
});

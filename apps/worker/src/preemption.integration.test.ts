import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { FunctionOptionsSpec, FunctionRecord } from '@gantry/protocol';
import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const GRACE_MS = 1_500;

let folder: TemporaryDirectory;
let platform: WorkerUnderTest;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-preemption-');
  platform = await WorkerUnderTest.start(await bundleRunner(folder.path), { exitGraceMs: GRACE_MS });
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

const traceOf = (name: string): string => join(folder.path, name);
const linesOf = (trace: string): string[] =>
  existsSync(trace) ? readFileSync(trace, 'utf8').split('\n').slice(0, -1) : [];

/** A class with a method `work`, which notes each run with its input in the trace, then does as `body` says. */
function traced(trace: string, body: string, options: FunctionOptionsSpec = {}): Promise<FunctionRecord> {
  const file = JSON.stringify(trace);
  return platform.deploy(
    `{ kind: 'class', name: 'Job',
       target: class {
         note(line) { process.getBuiltinModule('node:fs').appendFileSync(${file}, line + '\\n'); }
         runs() { return process.getBuiltinModule('node:fs').readFileSync(${file}, 'utf8').match(/^run /gm).length; }
         async work(key) {
           const host = globalThis[Symbol.for('gantry.host')];
           const input = host.currentInput();
           this.note('run ' + input.inputId);
           ${body}
         }
         close() { this.note('exit hook'); }
       },
       methods: [{ name: 'work', callable: true }], enter: [], exit: [{ name: 'close' }], parameters: [] }`,
    options,
  );
}

const SLEEP = 'await new Promise((resolve) => setTimeout(resolve, 600_000));';

async function preempt(containerId: string): Promise<void> {
  await platform.command({ type: 'preempt', containerId, reason: 'its machine is needed' });
}

async function endOf(containerId: string) {
  await waitUntil(() => platform.container(containerId)?.state === 'stopped');
  return platform.container(containerId)?.exit;
}

describe('a container that is preempted', () => {
  it('interrupts its code, runs exit hooks, and has the same input run elsewhere with its retries untouched', async () => {
    const trace = traceOf('interrupted');
    const record = await traced(
      trace,
      `if (this.runs() > 1) return 'second run';
       process.once('SIGINT', () => this.note('SIGINT'));
       await new Promise((_, reject) => input.signal.addEventListener('abort', () => reject(input.signal.reason)));`,
      { retries: { maxRetries: 0, initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 0 } },
    );
    const first = await platform.startContainer(record);
    const call = await platform.submit(record, 'work', [['a']]);
    await waitUntil(() => linesOf(trace).length === 1);
    const second = await platform.startContainer(record);
    await preempt(first);
    expect(await call.value()).toBe('second run');
    expect(await endOf(first)).toMatchObject({ reason: 'preempted', code: 0 });
    const [inputId] = call.inputIds;
    const run = `run ${inputId}`;
    const lines = linesOf(trace);
    expect(lines.filter((line) => line === run)).toHaveLength(2);
    expect(lines).toEqual(expect.arrayContaining(['SIGINT', 'exit hook']));
    expect(await call.output()).toMatchObject({ attempt: 0, containerId: second });
    await platform.logsWith(record, ({ text }) => text.includes('is preempted: its machine is needed'));
  });

  it('counts a value that comes within the grace', async () => {
    const trace = traceOf('finished');
    const record = await traced(
      trace,
      "await new Promise((resolve) => setTimeout(resolve, 300)); return 'run ' + this.runs();",
    );
    const containerId = await platform.startContainer(record);
    const call = await platform.submit(record, 'work', [['a']]);
    await waitUntil(() => linesOf(trace).length === 1);
    await preempt(containerId);
    expect(await call.value()).toBe('run 1');
    expect(await endOf(containerId)).toMatchObject({ reason: 'preempted', code: 0 });
  });

  it('is killed when it outlives its grace, however its code spins, and its inputs run elsewhere', async () => {
    const trace = traceOf('spinning');
    const record = await traced(trace, "if (this.runs() > 1) return 'second run'; for (;;);");
    const first = await platform.startContainer(record);
    const call = await platform.submit(record, 'work', [['a']]);
    await waitUntil(() => linesOf(trace).length === 1);
    await platform.startContainer(record);
    await preempt(first);
    expect(await call.value()).toBe('second run');
    expect(await endOf(first)).toMatchObject({ reason: 'preempted', signal: 'SIGKILL' });
    await platform.logsWith(record, ({ text }) =>
      text.includes(`did not end within ${GRACE_MS} ms after it was preempted`),
    );
  });

  it('may end itself with process.exit in a SIGINT listener', async () => {
    const trace = traceOf('left');
    const record = await traced(
      trace,
      `if (this.runs() > 1) return 'second run'; process.once('SIGINT', () => process.exit(0)); ${SLEEP}`,
    );
    const first = await platform.startContainer(record);
    const call = await platform.submit(record, 'work', [['a']]);
    await waitUntil(() => linesOf(trace).length === 1);
    await platform.startContainer(record);
    await preempt(first);
    expect(await call.value()).toBe('second run');
    expect(await endOf(first)).toMatchObject({ reason: 'preempted', code: 0 });
  });

  it('by its own code, in simulation, is preempted like any other', async () => {
    const trace = traceOf('simulated');
    const record = await traced(
      trace,
      `if (this.runs() > 1) return 'second run'; host.requestPreemption(); ${SLEEP}`,
    );
    const first = await platform.startContainer(record);
    const call = await platform.submit(record, 'work', [['a']]);
    expect(await endOf(first)).toMatchObject({ reason: 'preempted' });
    await platform.startContainer(record);
    expect(await call.value()).toBe('second run');
  });
});

describe('a container that is stopped', () => {
  it('is killed when its exit hooks outlive their grace', async () => {
    const record = await platform.deploy(
      `{ kind: 'class', name: 'Slow', target: class { close() { return new Promise(() => undefined); } },
         methods: [], enter: [], exit: [{ name: 'close' }], parameters: [] }`,
    );
    const containerId = await platform.startContainer(record);
    await platform.command({ type: 'stop', fence: 1, containerId, reason: 'scale down' });
    expect(await endOf(containerId)).toMatchObject({ reason: 'stopped', signal: 'SIGKILL' });
    await platform.logsWith(record, ({ text }) =>
      text.includes(`exit hooks took longer than ${GRACE_MS} ms`),
    );
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { newId, subjects, type FunctionRecord, type WorkerReply } from '@gantry/protocol';
import { isRunning, temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, startOrder, WorkerUnderTest } from './worker-under-test.ts';

let folder: TemporaryDirectory;
let runnerPath: string;
let platform: WorkerUnderTest;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-loss-');
  runnerPath = await bundleRunner(join(folder.path, 'runner'));
  platform = await WorkerUnderTest.start(runnerPath);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]();
  await folder?.remove();
});

interface OtherWorker {
  process: ChildProcess;
  dataDir: string;
  warnings: string[];
  start(record: FunctionRecord): Promise<void>;
}

/** A second worker, as a process of its own beside the one under test. */
async function startOther(): Promise<OtherWorker> {
  const dataDir = join(folder.path, newId('wk'));
  mkdirSync(dataDir);
  const config = {
    ...{ natsUrl: platform.nats.url, dataDir, blobs: platform.blobConfig, runnerPath },
    // Its containers write to files of this machine.
    driver: 'process',
  };
  const script = join(import.meta.dirname, '../testdata/worker-process.mjs');
  const child = spawn(process.execPath, [script, JSON.stringify(config)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const warnings: string[] = [];
  child.stderr.on('data', (text) => warnings.push(String(text)));
  const [workerId] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    process: child,
    dataDir,
    warnings,
    async start(record) {
      const containerId = newId('ta');
      const order = startOrder(record, containerId);
      const reply = await platform.messaging.request<WorkerReply>(subjects.worker(workerId), order);
      expect(reply.ok).toBe(true);
    },
  };
}

/** A function that notes its process in a file; the first run takes `ms`, later ones none. */
const slowAtFirst = (
  trace: string,
  ms: number,
): string => `{ kind: 'function', name: 'slow', fn: async () => {
  const fs = await import('node:fs');
  fs.appendFileSync(${JSON.stringify(trace)}, process.pid + ' ');
  const runs = fs.readFileSync(${JSON.stringify(trace)}, 'utf8').trim().split(' ').length;
  if (runs === 1) await new Promise((resolve) => setTimeout(resolve, ${ms}));
  return 'run ' + runs;
} }`;

const pidsIn = (trace: string): number[] =>
  existsSync(trace) ? readFileSync(trace, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];

describe('a worker that is lost', () => {
  it('has its inputs run elsewhere, and its containers end with it', async () => {
    const trace = join(folder.path, 'killed.txt');
    const record = await platform.deploy(slowAtFirst(trace, 600_000));
    const other = await startOther();
    await other.start(record);
    const call = await platform.submit(record, '', [[]]);
    await waitUntil(() => pidsIn(trace).length === 1);
    other.process.kill('SIGKILL');
    await platform.startContainer(record);
    expect(await call.value()).toBe('run 2');
    await waitUntil(() => !isRunning(pidsIn(trace)[0]));
    expect(call.published).toHaveLength(1);
  });
});

describe('a worker that was paused longer than its leases', () => {
  it('discards the result that it has when it wakes up', async () => {
    const trace = join(folder.path, 'paused.txt');
    const record = await platform.deploy(slowAtFirst(trace, 2_000));
    const other = await startOther();
    await other.start(record);
    const call = await platform.submit(record, '', [[]]);
    await waitUntil(() => pidsIn(trace).length === 1);
    // Only the worker stands still: its container finishes meanwhile.
    other.process.kill('SIGSTOP');
    await platform.startContainer(record);
    expect(await call.value()).toBe('run 2');
    other.process.kill('SIGCONT');
    await waitUntil(() => other.warnings.some((line) => line.includes('it is discarded')));
    expect(call.published).toHaveLength(1);
    expect((await platform.messaging.outputs.find(call.callId, 0))?.containerId).toBe(
      call.published[0]?.containerId,
    );
  });
});

describe('a worker that shuts down', () => {
  it('lets what runs finish, stores it, and leaves no process behind', async () => {
    const trace = join(folder.path, 'stopped.txt');
    const record = await platform.deploy(slowAtFirst(trace, 500));
    const other = await startOther();
    await other.start(record);
    const call = await platform.submit(record, '', [[]]);
    await waitUntil(() => pidsIn(trace).length === 1);
    other.process.kill('SIGTERM');
    expect(await call.value()).toBe('run 1');
    await once(other.process, 'exit');
    expect(isRunning(pidsIn(trace)[0])).toBe(false);
    await waitUntil(async () => (await platform.messaging.inputs.openInputs(call.callId)) === 0);
  });
});

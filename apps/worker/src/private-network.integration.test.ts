import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { findRuncProblem } from '@gantry/containers';
import {
  type ContainerStatus,
  type FunctionRecord,
  newId,
  subjects,
  type WorkerReply,
  type WorkerStatus,
} from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { temporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type RunningWorker, startWorker } from './main.ts';
import { bundleRunner, startOrder, WorkerUnderTest } from './worker-under-test.ts';

const problem =
  findRuncProblem()?.message ?? (existsSync('/dev/net/tun') ? undefined : 'there is no /dev/net/tun');

const LONGEST_MS = 60_000;
/** For what will not come, however long one waits. */
const NEVER_MS = 3_000;
const LISTEN = `{ kind: 'function', name: 'listen', fn: async () => {
  const address = process.env.GANTRY_PRIVATE_ADDRESS;
  const { createServer } = await import('node:net');
  const server = createServer((socket) => socket.end('hello')).listen(4000, address);
  await new Promise((resolve) => server.once('listening', resolve));
  return address;
} }`;
const DIAL = `{ kind: 'function', name: 'dial', fn: async (host, waitMs) => {
  const { connect } = await import('node:net');
  return await new Promise((resolve) => {
    const socket = connect({ host, port: 4000 });
    socket.on('data', (data) => resolve(String(data))).on('error', (error) => resolve(error.code));
    socket.setTimeout(waitMs, () => { socket.destroy(); resolve('no answer'); });
  });
} }`;

/** Of two ranks: the second is asked by the first, which tells what it heard from where. */
const PAIR = `{ kind: 'function', name: 'pair', fn: async () => {
  const { rank, addresses } = globalThis[Symbol.for('gantry.host')].cluster;
  const { connect, createServer } = await import('node:net');
  if (rank === 1) {
    const server = createServer((socket) => { socket.end('rank 1'); server.close(); }).listen(4000, addresses[1]);
    return await new Promise((resolve) => server.once('close', () => resolve('of no interest')));
  }
  for (;;) {
    const heard = await new Promise((resolve) => {
      const socket = connect({ host: addresses[1], port: 4000, localAddress: addresses[0] });
      socket.on('data', (data) => resolve(String(data))).on('error', () => setTimeout(resolve, 50));
    });
    if (heard) return [heard, addresses];
  }
} }`;

describe.skipIf(problem)(`private networks of several workers${problem ? ` (${problem})` : ''}`, () => {
  const stack = new AsyncDisposableStack();
  const containers = new Map<string, ContainerStatus>();
  let platform: WorkerUnderTest;
  let near: RunningWorker;
  let far: RunningWorker;

  beforeAll(async () => {
    const folder = stack.use(await temporaryDirectory('gantry-runner-')).path;
    const runnerPath = await bundleRunner(join(folder, 'runner'));
    platform = stack.use(
      await WorkerUnderTest.start(runnerPath, { driver: 'runc', labels: { region: 'eu' } }),
    );
    platform.messaging.subscribe<WorkerStatus>(subjects.workerStatus, (status) => {
      for (const container of status.containers) containers.set(container.containerId, container);
    });
    const another = async (region: string): Promise<RunningWorker> => {
      const dataDir = join(folder, region);
      const log = createLogger({ name: 'worker', level: 'error' });
      const { nats, blobConfig: blobs } = platform;
      const around = { natsUrl: nats.url, dataDir, blobs, runnerPath, log };
      const worker = await startWorker({ ...around, prewarm: 0, driver: 'runc', labels: { region } });
      stack.defer(() => worker.stop());
      return worker;
    };
    near = await another('EU');
    far = await another('us');
  });
  afterAll(() => stack.disposeAsync());

  async function runOn(worker: Pick<RunningWorker, 'workerId'>, record: FunctionRecord, ...args: unknown[]) {
    const containerId = newId('ta');
    const order = startOrder(record, containerId);
    const reply = await platform.messaging.request<WorkerReply>(subjects.worker(worker.workerId), order);
    expect(reply).toEqual({ ok: true });
    await expect.poll(() => containers.get(containerId)?.state, { timeout: LONGEST_MS }).toBe('ready');
    return await (await platform.submit(record, '', [args])).value();
  }

  const deploy = (code: string, options: FunctionRecord['spec']['options'] = { privateNetwork: true }) =>
    platform.deploy(code, options);

  it('reach from one to another in the same region, whose addresses begin alike, and into no other one', async () => {
    const [close, distant] = (await Promise.all([
      runOn(near, await deploy(LISTEN)),
      runOn(far, await deploy(LISTEN)),
    ])) as [string, string];
    const prefixOf = (address: string): string[] => address.split(':').slice(0, 3);
    expect(prefixOf(close)).toEqual(prefixOf(distant));
    expect(prefixOf(close)[0]).toBe('fdaa');
    const [dial, isolated] = await Promise.all([
      deploy(DIAL),
      deploy(DIAL, { privateNetwork: true, blockNetwork: true }),
    ]);
    expect(await runOn(platform.worker, dial, close, LONGEST_MS)).toBe('hello');
    expect(await runOn(platform.worker, isolated, close, LONGEST_MS)).toBe('hello');
    expect(await (await platform.submit(dial, '', [[distant, NEVER_MS]])).value()).toBe('no answer');
  });

  it('carry a gang whose containers are on two of them: one call runs in both', async () => {
    const record = await deploy(PAIR, { privateNetwork: true, cluster: { size: 2 } });
    const containerIds = [newId('ta'), newId('ta')];
    for (const [rank, { workerId }] of [platform.worker, near].entries()) {
      const order = { ...startOrder(record, containerIds[rank] ?? ''), gang: { rank, containerIds } };
      await platform.messaging.request<WorkerReply>(subjects.worker(workerId), order);
    }
    const call = await platform.submit(record, '', [[]]);
    await expect.poll(() => call.published.length, { timeout: LONGEST_MS }).toBe(1);
    const [heard, addresses] = (await call.value()) as [string, string[]];
    expect(heard).toBe('rank 1');
    const workers = addresses.map((address) => address.split(':').slice(3, 5).join(':'));
    expect(new Set(workers).size).toBe(2);
  });

  it('are closed to containers without one', async () => {
    const address = await runOn(near, await deploy(LISTEN));
    expect(await runOn(platform.worker, await deploy(DIAL, {}), address, NEVER_MS)).not.toBe('hello');
  });
});

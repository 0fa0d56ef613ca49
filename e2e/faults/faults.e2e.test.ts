import { join } from 'node:path';

import { connectMessaging } from '@gantry/messaging';
import { Client, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { deploy, startCluster, type Cluster } from './cluster/cluster.ts';
import type { slowSquare, Trace } from './fault-app.ts';

const INPUTS = 1_000;
const KILL_AFTER = 250;

let cluster: Cluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster();
  Object.assign(process.env, cluster.env);
  await deploy(join(import.meta.dirname, 'fault-app.ts'), cluster.env);
  client = Client.default();
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

/** Maps a thousand inputs and calls `strike` once, when a quarter of the outputs are in. */
async function mapWhile(strike: (seen: Trace) => Promise<void>): Promise<Trace[]> {
  const remote = RemoteFunction.fromName<typeof slowSquare>('faults', 'slowSquare');
  const traces: Trace[] = [];
  let struck: Promise<void> | undefined;
  for await (const trace of remote.map(Array.from({ length: INPUTS }, (_, x) => x))) {
    traces.push(trace);
    if (traces.length === KILL_AFTER) struck = strike(trace);
  }
  expect(struck, 'the fault was injected').toBeDefined();
  await struck;
  return traces;
}

/** Every input has exactly one result: at the caller, in order, and on disk. */
async function expectEachInputOnce(traces: Trace[]): Promise<void> {
  expect(traces.map((trace) => trace.square)).toEqual(Array.from({ length: INPUTS }, (_, x) => x * x));
  const callId = traces[0]?.callId ?? '';
  const messaging = await connectMessaging({ url: cluster.nats.url, name: 'fault-test' });
  try {
    const stored: number[] = [];
    for await (const output of messaging.outputs.read(callId)) stored.push(output.index);
    expect(stored.sort((a, b) => a - b)).toEqual(Array.from({ length: INPUTS }, (_, index) => index));
  } finally {
    await messaging.close();
  }
}

describe('a map of 1,000 inputs gives each input exactly one result', () => {
  test('when a container is killed', async () => {
    const traces = await mapWhile(async ({ pid }) => void process.kill(pid, 'SIGKILL'));

    await expectEachInputOnce(traces);
  });

  test('when a worker is killed and another takes over', async () => {
    const traces = await mapWhile(() => cluster.workers[0].kill());
    await cluster.workers[0].start();

    await expectEachInputOnce(traces);
  });

  test('when the only server is killed and started again', async () => {
    const traces = await mapWhile(async () => {
      await cluster.servers[0].kill();
      await cluster.servers[0].start();
    });

    await expectEachInputOnce(traces);
  });

  test('when nats-server is killed and started again on the same data', async () => {
    const traces = await mapWhile(async () => {
      cluster.nats.kill();
      await cluster.nats.restart();
    });

    await expectEachInputOnce(traces);
  });
});

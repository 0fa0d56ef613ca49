import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { Client, RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { counted } from '../generator-app.ts';
import { deploy, startCluster, type Cluster } from './cluster/cluster.ts';

const VALUES = 600;
const STRIKE_AFTER = 150;

let cluster: Cluster;
let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let client: Client;
let calls = 0;

beforeAll(async () => {
  cluster = await startCluster();
  folder = await temporaryDirectory('gantry-generator-faults-');
  Object.assign(process.env, cluster.env);
  await deploy(join(import.meta.dirname, '../generator-app.ts'), cluster.env);
  client = Client.default();
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
  await folder.remove();
});

/** Consumes a generator, and strikes once, while values are on their way. */
async function consumeWhile(strike: () => Promise<void>): Promise<number[]> {
  const remote = RemoteFunction.fromName<typeof counted>('generators', 'counted');
  const taken: number[] = [];
  let struck: Promise<void> | undefined;
  for await (const { n } of remote.remoteGen(join(folder.path, String(calls++)), 2)) {
    taken.push(n);
    if (taken.length === STRIKE_AFTER) struck = strike();
    if (taken.length === VALUES) break;
  }
  await struck;
  return taken;
}

const numbers = Array.from({ length: VALUES }, (_, n) => n);

describe('a generator yields each value once, in order', () => {
  test('when the only server is killed and started again', async () => {
    const taken = await consumeWhile(async () => {
      await cluster.servers[0].kill();
      await cluster.servers[0].start();
    });

    expect(taken).toEqual(numbers);
  });

  test('when the workers are killed and started again', async () => {
    const taken = await consumeWhile(async () => {
      await Promise.all(cluster.workers.map((worker) => worker.kill()));
      await Promise.all(cluster.workers.map((worker) => worker.start()));
    });

    expect(taken).toEqual(numbers);
  });

  test('when nats-server is killed and started again on the same data', async () => {
    const taken = await consumeWhile(async () => {
      cluster.nats.kill();
      await cluster.nats.restart();
    });

    expect(taken).toEqual(numbers);
  });
});

import { setTimeout as delay } from 'node:timers/promises';

import { Random } from '@gantry/testing';
import { Client, Dict, Queue } from 'gantry';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startCluster, type Cluster } from './cluster/cluster.ts';
import { injectFaults } from './fault-injector.ts';
import { describeFault, type Fault, type FaultKind } from './fault-plan.ts';
import { CollectionLoad } from './load/collection-load.ts';
import { describeSettings, readSettings } from './settings.ts';

const settings = readSettings();
/** Longer than an item is lent to who does not confirm it, and than it takes another server to lead. */
const QUIET_MS = 20_000;

let cluster: Cluster;
let client: Client;

beforeAll(async () => {
  cluster = await startCluster({ servers: 2, logLevel: settings.logLevel });
  Object.assign(process.env, cluster.env);
  client = Client.default();
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

/** Servers, the broker and the network of clients, one after the other, in an order that follows from the seed. */
function drawPlan(seed: number, durationMs: number): Fault[] {
  const random = new Random(seed);
  const faults: [FaultKind, string, number][] = [
    ['kill', 'server-1', 1_000],
    ['kill', 'server-2', 1_000],
    ['kill', 'nats', 500],
    ['pause', 'server-1', 7_000],
    ['pause', 'server-2', 7_000],
    ['cut', 'clients', 500],
    ['cut', 'server-1', 3_000],
  ];
  const plan: Fault[] = [];
  for (let atMs = 1_500; ;) {
    for (const [kind, target, forMs] of random.shuffle(faults)) {
      if (atMs + forMs > durationMs) return plan;
      plan.push({ kind, target, atMs, forMs, pick: 0 });
      atMs += forMs + random.integer(500, 3_000);
    }
  }
}

test(
  'nothing accepted is lost and nothing comes twice while servers, the broker, networks and takers fail',
  { timeout: settings.durationMs + 300_000 },
  async () => {
    const queue = Queue.fromName<number>('faults', { client, createIfMissing: true });
    const dict = Dict.fromName<string, number>('faults', { client, createIfMissing: true });
    await Promise.all([queue.hydrate(), dict.hydrate()]);
    const load = new CollectionLoad(queue, dict, cluster.env);
    const plan = drawPlan(settings.seed, settings.durationMs);
    console.log([describeSettings(settings), ...plan.map(describeFault)].join('\n'));
    load.start();
    let isOver = false;
    const killTakers = async (): Promise<void> => {
      while (!isOver) {
        await delay(4_000);
        await load.killTaker();
      }
    };
    await Promise.all([injectFaults(cluster, plan).finally(() => (isOver = true)), killTakers()]);
    await load.drain(QUIET_MS);

    const times = new Map<number, number>();
    for (const item of load.taken) times.set(item, (times.get(item) ?? 0) + 1);
    const twice = [...times].filter(([, count]) => count > 1).map(([item]) => item);
    const lost = load.accepted.filter((item) => !times.has(item));
    console.log(
      `${load.accepted.length} items accepted, ${load.taken.length} taken, ${load.kills} takers killed, ` +
        `${lost.length} items went with them; ${load.written.size} keys, ${load.winners.claims.length} races; ` +
        `${load.failures.length} failures ${load.failures.slice(0, 3).join(' | ')}`,
    );
    expect(twice).toEqual([]);
    // One that is killed between the confirmation of a receipt and its next line takes the item with it.
    expect(lost.length).toBeLessThanOrEqual(load.kills + 1);
    expect(load.accepted.length).toBeGreaterThan(100);
    for (const [key, { answered, tried }] of load.written) {
      const value = (await dict.get(key)) ?? 0;
      expect(value, key).toBeGreaterThanOrEqual(answered);
      expect(value, key).toBeLessThanOrEqual(tried);
    }
    expect(new Set(load.winners.claims)).toEqual(new Set([1]));
    expect(new Set(load.winners.pops)).toEqual(new Set([1]));
  },
);

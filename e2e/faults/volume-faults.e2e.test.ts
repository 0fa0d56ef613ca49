import { join } from 'node:path';

import { minioAvailable, Random, startMinio } from '@gantry/testing';
import { Client, Volume } from 'gantry';
import { expect, test } from 'vitest';

import { deploy, startCluster } from './cluster/cluster.ts';
import { injectFaults } from './fault-injector.ts';
import { describeFault, type Fault, type FaultKind } from './fault-plan.ts';
import { VolumeLoad } from './load/volume-load.ts';
import { describeSettings, readSettings } from './settings.ts';

const settings = readSettings();
/** The other tests of faults take all of it. */
const durationMs = settings.durationMs * 0.6;

/** Whatever a commit goes through, one after the other, in an order that follows from the seed. */
function drawPlan(seed: number, durationMs: number): Fault[] {
  const random = new Random(seed);
  const faults: [FaultKind, string, number][] = [
    ['kill', 'worker-1', 1_000],
    ['kill', 'worker-2', 1_000],
    ['kill', 'server-1', 1_000],
    ['kill', 'server-2', 1_000],
    ['kill', 'nats', 500],
    ['kill', 'minio', 1_000],
    ['kill', 'container', 0],
    // Beyond the leases of inputs: they run elsewhere, and whoever wakes up is too late.
    ['pause', 'worker-1', 11_000],
    ['cut', 'worker-2', 11_000],
  ];
  const plan: Fault[] = [];
  for (let atMs = 1_000; ;) {
    for (const [kind, target, forMs] of random.shuffle(faults)) {
      if (atMs + forMs > durationMs) return plan;
      plan.push({ kind, target, atMs, forMs, pick: random.next() });
      atMs += forMs + random.integer(200, 2_500);
    }
  }
}

test.skipIf(!minioAvailable())(
  'readers of a volume see whole commits alone, and nothing committed is lost, whatever is killed, paused or cut off',
  { timeout: durationMs + 400_000 },
  async () => {
    await using stack = new AsyncDisposableStack();
    const minio = stack.use(await startMinio());
    const cluster = stack.use(await startCluster({ servers: 2, minio, logLevel: settings.logLevel }));
    Object.assign(process.env, cluster.env);
    stack.defer(() => Client.default().close());
    await deploy(join(import.meta.dirname, 'load/volume-app.ts'), cluster.env);
    const load = new VolumeLoad(Volume.fromName('faults'));
    const plan = drawPlan(settings.seed, durationMs);
    console.log([describeSettings(settings), ...plan.map(describeFault)].join('\n'));

    load.start();
    await injectFaults(cluster, plan);
    await load.finish();
    await load.checkAll();

    console.log(Object.fromEntries(load.done), `${load.failures.length} failures`, load.failures.slice(0, 3));
    // Also where a second attempt has none.
    if (load.problems.length > 0) console.log(load.problems);
    expect(load.problems, `again: ${describeSettings(settings)}`).toEqual([]);
    for (const what of ['commits', 'uploads', 'reloads', 'listings', 'removals']) {
      expect(load.done.get(what), what).toBeGreaterThan(3);
    }
  },
);

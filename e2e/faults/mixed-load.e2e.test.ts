import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { connectMessaging, type Messaging } from '@gantry/messaging';
import type { DeployReply } from '@gantry/protocol';
import { Random, waitUntil } from '@gantry/testing';
import { expect, test } from 'vitest';

import { fetchHttps, runCli } from '../platform.ts';
import { deploy, startCluster, type Cluster } from './cluster/cluster.ts';
import { findLeftovers } from './cluster/leftovers.ts';
import { injectFaults } from './fault-injector.ts';
import { describeFault, drawFaultPlan } from './fault-plan.ts';
import { MixedLoad } from './load/mixed-load.ts';
import { redeploy } from './load/redeploy.ts';
import { checkStoredResults } from './load/stored-results.ts';
import { describeSettings, readSettings } from './settings.ts';

const TICK_MS = 2_000;
/** For what is open when the last fault is over. Longer than any lease, delay and retry of the platform. */
const GRACE_MS = 90_000;
const settings = readSettings();

test(
  'each accepted input has exactly one result, each tick one call, and nothing is left over, whatever is killed, paused or cut off',
  { timeout: settings.durationMs + 300_000 },
  async () => {
    const random = new Random(settings.seed);
    const plan = drawFaultPlan(settings.seed, settings.durationMs);
    console.log([describeSettings(settings), ...plan.map(describeFault)].join('\n'));
    const problems = await using(settings.logLevel, async (cluster, messaging) => {
      const { webUrl, tickId } = await deployLoad(cluster);
      const notes = join(cluster.directory, 'notes');
      await mkdir(notes);
      const load = await MixedLoad.start({ cluster, random, notes, webUrl });
      await Promise.all([injectFaults(cluster, plan), delay(settings.durationMs)]);
      await load.finish(GRACE_MS);
      const { ledger } = load;
      console.log(Object.fromEntries(ledger.done));
      if (ledger.problems.length > 0) console.log(await describeState(cluster, messaging));
      const found = [
        ...ledger.problems,
        ...(await checkStoredResults(messaging, ledger)),
        ...(await checkTicks(messaging, tickId)),
        ...(await checkRecovery(cluster, messaging, { webUrl, tickId })),
      ];
      if (found.length > 0) console.log(await describeState(cluster, messaging));
      return found;
    });
    expect(problems, `again: ${describeSettings(settings)}`).toEqual([]);
  },
);

/** Runs a check on a cluster, stops that, and adds what is left of it. */
async function using(
  logLevel: string,
  check: (cluster: Cluster, messaging: Messaging) => Promise<string[]>,
): Promise<string[]> {
  await using cluster = await startCluster({ servers: 2, gateway: true, logLevel });
  const messaging = await connectMessaging({
    url: cluster.nats.url,
    name: 'faults',
    onError: () => undefined,
  });
  const problems = await check(cluster, messaging);
  await messaging.close();
  await cluster.stop();
  const parts = [...cluster.servers, ...cluster.workers, ...(cluster.gateway ? [cluster.gateway] : [])];
  problems.push(...parts.flatMap(({ crashes }) => crashes), ...(await findLeftovers(cluster.directory)));
  if (problems.length > 0) await keepLogs(cluster.directory);
  return problems;
}

/** What waits and what runs, for whoever looks for the cause of a problem. */
async function describeState(cluster: Cluster, messaging: Messaging): Promise<string> {
  const { stdout } = await runCli(['container', 'list', '--json'], cluster.env);
  const backlogs = await messaging.inputs.backlogs();
  return `${JSON.stringify(backlogs, undefined, 2)}\n${stdout}`;
}

/** `GANTRY_FAULTS_KEEP` names a folder for the logs of a run that failed. */
async function keepLogs(directory: string): Promise<void> {
  const folder = process.env['GANTRY_FAULTS_KEEP'];
  if (folder) await cp(join(directory, 'logs'), folder, { recursive: true });
}

interface Deployed {
  webUrl: string;
  /** The id of the scheduled function. */
  tickId: string;
}

async function deployLoad(cluster: Cluster): Promise<Deployed> {
  const functionOf = async (entry: string, wanted: string) => {
    const reply = JSON.parse(await deploy(join(import.meta.dirname, entry), cluster.env)) as DeployReply;
    return reply.functions.find(({ name }) => name === wanted);
  };
  const web = await functionOf('load/load-app.ts', 'Web');
  const tick = await functionOf('load/tick-app.ts', 'tick');
  const address = Object.values(web?.urls ?? {})[0];
  if (address === undefined) throw new Error(`there is no URL in ${JSON.stringify(web)}`);
  const url = new URL(address);
  url.port = new URL(cluster.gateway?.ready['url'] ?? '').port;
  return { webUrl: url.href, tickId: tick?.id ?? '' };
}

/** Every tick since the first is on record once, and its call has one result. */
async function checkTicks(messaging: Messaging, functionId: string): Promise<string[]> {
  const runs = (await messaging.runs.newest(functionId, 10_000)).reverse();
  const firstMs = runs[0]?.tickMs ?? 0;
  const problems = runs.flatMap((run, at) => {
    const expectedMs = firstMs + at * TICK_MS;
    const isRight = run.tickMs === expectedMs && run.callId !== undefined;
    return isRight ? [] : [`the tick ${at} is ${JSON.stringify(run)}, not that of ${expectedMs}`];
  });
  for (const { callId = '' } of runs) {
    const ended = async () => (await messaging.outputs.find(callId, 0)) !== undefined;
    await waitUntil(ended, { timeoutMs: 30_000, what: `the output of the tick ${callId}` }).catch(
      (error: Error) => problems.push(error.message),
    );
  }
  return runs.length > settings.durationMs / TICK_MS - 2
    ? problems
    : [...problems, `only ${runs.length} ticks fired`];
}

/** The app can be deployed, nothing waits, web requests are served, and containers that nobody needs end. */
async function checkRecovery(
  cluster: Cluster,
  messaging: Messaging,
  { webUrl, tickId }: Deployed,
): Promise<string[]> {
  const problems: string[] = [];
  const eventually = (what: string, condition: () => Promise<boolean>) =>
    waitUntil(condition, { timeoutMs: 60_000, intervalMs: 500, what }).catch((error: Error) =>
      problems.push(error.message),
    );
  await eventually('a redeploy succeeds', async () => (await redeploy(cluster)) !== undefined);
  await eventually('a web request is served', async () => {
    const request = { url: `${webUrl}?x=12`, caPath: cluster.gateway?.ready['caPath'] ?? '' };
    return (await fetchHttps(request)).body === '144';
  });
  await eventually('no input waits', async () => {
    const backlogs = await messaging.inputs.backlogs();
    return backlogs.every(({ pool }) => pool === tickId);
  });
  await eventually('all containers but that of the schedule end', async () => {
    const { stdout } = await runCli(['container', 'list', '--json'], cluster.env);
    return (JSON.parse(stdout) as { functionName: string }[]).every(
      ({ functionName }) => functionName === 'tick',
    );
  });
  return problems;
}

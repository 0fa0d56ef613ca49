import { connectMessaging, type Messaging } from '@gantry/messaging';
import type { RunRecord, ScheduleSpec } from '@gantry/protocol';
import { createLogger } from '@gantry/telemetry';
import { startNats, temporaryDirectory, type TemporaryDirectory, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { type RunningServer, startServer } from '../main.ts';
import { FakeWorker } from '../testing/fake-worker.ts';
import { cutterFor, type LinkCutter } from '../testing/nats-link-cutter.ts';
import { fn, manifest, TestClient, TOKEN } from '../testing/test-client.ts';

const EVERY_SECOND: ScheduleSpec = { type: 'period', seconds: 1 };

let nats: Awaited<ReturnType<typeof startNats>>;
let directory: TemporaryDirectory;
let messaging: Messaging;
let worker: FakeWorker;
let links: LinkCutter[];
let servers: RunningServer[];
/** How often each call was run. */
const executions = new Map<string, number>();

function launch(natsUrl: string): Promise<RunningServer> {
  return startServer({
    natsUrl,
    dataDir: directory.path,
    blobs: { type: 'disk', path: `${directory.path}/blobs` },
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    workspace: 'local',
    gatewayUrl: 'https://gantry.localhost:7443',
    log: createLogger({ name: 'server', level: 'silent' }),
  });
}

beforeAll(async () => {
  nats = await startNats();
  directory = await temporaryDirectory('gantry-leaders-');
  links = await Promise.all([cutterFor(nats.url), cutterFor(nats.url)]);
  servers = [];
  for (const link of links) servers.push(await launch(link.url));
  messaging = await connectMessaging({ url: nats.url, name: 'fake', onError: () => undefined });
  worker = new FakeWorker(messaging);
  worker.handler = ({ message }) => {
    executions.set(message.callId, (executions.get(message.callId) ?? 0) + 1);
    return { type: 'value', value: message.args };
  };
});

afterAll(async () => {
  worker.stop();
  for (const link of links) link.restore();
  await Promise.all(servers.map((server) => server.stop()));
  await Promise.all(links.map((link) => link.close()));
  await messaging.close();
  await nats.stop();
  await directory.remove();
});

async function deploy(appName: string): Promise<string> {
  const client = new TestClient(servers[0]?.url ?? '');
  const functions = [{ ...fn('tick'), schedule: EVERY_SECOND }];
  const reply = await client.deploy({ manifest: manifest(functions, { appName }) });
  expect(reply.status, reply.text).toBe(200);
  return (reply.json['functions'] as { id: string }[])[0]?.id ?? '';
}

/** Asserts that every tick up to the last one was called, once. Returns how many there were. */
async function expectEveryTickOnce(functionId: string): Promise<number> {
  const runs: RunRecord[] = await messaging.runs.newest(functionId, 1_000);
  const ticks = runs.map((run) => run.tickMs).reverse();
  const [first = 0] = ticks;
  expect(ticks).toEqual(ticks.map((_, index) => first + index * 1_000));
  expect(runs.map((run) => run.kind)).toEqual(runs.map(() => 'tick'));
  await waitUntil(() => runs.every((run) => executions.has(run.callId ?? '')), { timeoutMs: 20_000 });
  expect(runs.map((run) => executions.get(run.callId ?? ''))).toEqual(runs.map(() => 1));
  return runs.length;
}

async function ticksReach(functionId: string, tickMs: number): Promise<void> {
  const reached = async () => ((await messaging.runs.lastTick(functionId))?.tickMs ?? 0) >= tickMs;
  await waitUntil(reached, { timeoutMs: 25_000 });
}

it('each tick is called exactly once while leaders are cut off, taken over from, and come back', async () => {
  const functionId = await deploy('takeover');
  await ticksReach(functionId, Date.now());
  for (const index of [0, 1, 0, 1]) {
    const link = links[index];
    // Longer than a lease lives, so the other server leads by then if this one did.
    link?.cut();
    await new Promise((resolve) => setTimeout(resolve, 5_200 + 137 * index));
    link?.restore();
    await ticksReach(functionId, Date.now());
  }
  expect(await expectEveryTickOnce(functionId)).toBeGreaterThan(20);
});

it('no tick is lost or repeated when everything restarts between ticks', async () => {
  const functionId = await deploy('restart');
  await ticksReach(functionId, Date.now());
  await Promise.all(servers.map((server) => server.stop()));
  await nats.restart();
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  servers = [];
  for (const link of links) servers.push(await launch(link.url));
  await ticksReach(functionId, Date.now() + 1_000);
  expect(await expectEveryTickOnce(functionId)).toBeGreaterThan(4);
});

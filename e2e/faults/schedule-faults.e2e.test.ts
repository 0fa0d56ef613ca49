import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { connectMessaging, type Messaging } from '@gantry/messaging';
import { callSessionKey, type RunRecord } from '@gantry/protocol';
import { temporaryDirectory, type TemporaryDirectory, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { runCli } from '../platform.ts';
import { deploy, startCluster, type Cluster } from './cluster/cluster.ts';
import { type Part } from './cluster/part.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const INTERVAL_MS = 2_000;

let cluster: Cluster;
let first: Part;
let second: Part;
let project: TemporaryDirectory;
let messaging: Messaging;
let functionId = '';

beforeAll(async () => {
  cluster = await startCluster({ servers: 2 });
  [first, second] = cluster.servers as [Part, Part];
  project = await temporaryDirectory('gantry-schedule-faults-');
  messaging = await connectMessaging({ url: cluster.nats.url, name: 'fault-test', onError: () => undefined });
  functionId = await deployClock();
});

afterAll(async () => {
  await messaging.close();
  await cluster[Symbol.asyncDispose]();
  await project.remove();
});

/** Deploys a function that notes each of its runs in a file. */
async function deployClock(): Promise<string> {
  await mkdir(join(project.path, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules/gantry'), join(project.path, 'node_modules/gantry'));
  await writeFile(join(project.path, 'package.json'), '{ "name": "clock", "type": "module" }');
  await writeFile(join(project.path, 'runs.txt'), '');
  const source = `
import { appendFileSync } from 'node:fs';
import { App, currentFunctionCallId, Period } from 'gantry';
const app = new App('clock');
export const tick = app.function({ schedule: new Period({ seconds: ${INTERVAL_MS / 1_000} }) }, async () => {
  appendFileSync(${JSON.stringify(join(project.path, 'runs.txt'))}, currentFunctionCallId() + '\\n');
});
`;
  await writeFile(join(project.path, 'app.ts'), source);
  await deploy(join(project.path, 'app.ts'), cluster.env);
  const [schedule] = JSON.parse(
    (await runCli(['app', 'schedules', 'clock', '--json'], cluster.env)).stdout,
  ) as {
    functionId: string;
  }[];
  return schedule?.functionId ?? '';
}

async function noted(): Promise<string[]> {
  return (await readFile(join(project.path, 'runs.txt'), 'utf8')).split('\n').filter(Boolean);
}

async function tickAfter(instantMs: number): Promise<void> {
  const reached = async () => ((await messaging.runs.lastTick(functionId))?.tickMs ?? 0) > instantMs;
  await waitUntil(reached, { timeoutMs: 60_000 });
}

/**
 * Every tick from the first to the last was recorded, and its call was run once.
 *
 * @param inFlight - A call whose result may not have been stored when the broker died: its code may have run again.
 */
async function expectEveryTickOnce(inFlight?: string): Promise<number> {
  const runs: RunRecord[] = (await messaging.runs.newest(functionId, 1_000)).reverse();
  const [first] = runs;
  expect(runs.map((run) => run.tickMs)).toEqual(
    runs.map((_, index) => (first?.tickMs ?? 0) + index * INTERVAL_MS),
  );
  const calls = runs.map((run) => run.callId ?? '');
  expect(new Set(calls.map(callSessionKey)).size).toBe(1);
  const hasRun = async () => {
    const found = await noted();
    return calls.every((callId) => found.includes(callId));
  };
  await waitUntil(hasRun, { timeoutMs: 30_000 });
  const once = (callId: string, at: number, all: string[]) =>
    callId !== inFlight || all.indexOf(callId) === at;
  const found = (await noted()).filter((callId) => calls.includes(callId)).filter(once);
  expect(found.sort()).toEqual([...calls].sort());
  return calls.length;
}

test('each tick runs exactly once while servers are killed in turn', async () => {
  await tickAfter(Date.now());
  for (const server of [first, second, first]) {
    await server.kill();
    await tickAfter(Date.now());
    await server.start();
  }
  expect(await expectEveryTickOnce()).toBeGreaterThan(5);
});

test('each tick runs exactly once when both servers and nats-server die, and start again', async () => {
  await tickAfter(Date.now());
  const [newest] = await messaging.runs.newest(functionId, 1);
  await Promise.all([first.kill(), second.kill()]);
  cluster.nats.kill();
  await cluster.nats.restart();
  await Promise.all([first.start(), second.start()]);
  await tickAfter(Date.now() + INTERVAL_MS);
  expect(await expectEveryTickOnce(newest?.callId)).toBeGreaterThan(7);
});

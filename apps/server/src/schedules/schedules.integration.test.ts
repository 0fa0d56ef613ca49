import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

import {
  type FunctionRecord,
  type LogEntry,
  registryKeys,
  type ScheduleSpec,
  type ScheduleSummary,
} from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { fn, manifest } from '../testing/test-client.ts';
import type { Notice } from '../notifier.ts';
import { TestPlatform } from '../testing/test-platform.ts';

const EVERY_SECOND: ScheduleSpec = { type: 'period', seconds: 1 };
const NEVER_SOON: ScheduleSpec = { type: 'period', years: 1 };
const NIGHTLY: ScheduleSpec = { type: 'cron', expression: '0 3 * * *', timeZone: 'Europe/Berlin' };

let platform: TestPlatform;

const notices: Notice[] = [];
const webhook = createServer((request, response) => {
  void json(request).then((notice) => {
    notices.push(notice as Notice);
    response.end();
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const notifyUrl = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`;
  platform = await TestPlatform.start({ notifyUrl });
});

afterAll(async () => {
  await platform.stop();
  webhook.closeAllConnections();
  await new Promise((resolve) => webhook.close(resolve));
});

const scheduled = (name: string, schedule: ScheduleSpec) => ({ ...fn(name), schedule });

async function schedulesOf(app: string): Promise<ScheduleSummary[]> {
  const { json } = await platform.client.request('GET', `/v1/apps/${app}/schedules`);
  return json['schedules'] as ScheduleSummary[];
}

async function recordOf(functionId: string): Promise<FunctionRecord> {
  const entry = await platform.messaging.registry.get<FunctionRecord>(registryKeys.function(functionId));
  if (!entry) throw new Error(`no record of ${functionId}`);
  return entry.value;
}

async function runsOf(app: string) {
  return (await schedulesOf(app))[0]?.runs ?? [];
}

async function systemLog(appId: string): Promise<string> {
  const entries: LogEntry[] = [];
  for await (const entry of platform.messaging.logs.read(appId)) entries.push(entry);
  return entries.map(({ text }) => text).join('\n');
}

describe('a scheduled function', () => {
  it('is called at each tick after its deploy, and its history says how it went', async () => {
    const { appName, functionId } = await platform.deployFresh([scheduled('tick', EVERY_SECOND)]);
    await waitUntil(
      async () => (await runsOf(appName)).filter((run) => run.outcome === 'succeeded').length >= 3,
    );
    const { scheduledFromMs = 0 } = await recordOf(functionId);
    const [schedule] = await schedulesOf(appName);
    expect(schedule).toMatchObject({ functionName: 'tick', schedule: EVERY_SECOND });
    expect(schedule?.nextMs).toBeGreaterThan(Date.now() - 1_000);
    const ticks = (schedule?.runs ?? []).map((run) => run.tickMs).reverse();
    expect(ticks).toEqual(ticks.map((_, index) => scheduledFromMs + (index + 1) * 1_000));
    expect(schedule?.runs.at(-1)).toMatchObject({
      kind: 'tick',
      outcome: 'succeeded',
      durationMs: expect.any(Number),
    });
    await platform.client.request('POST', `/v1/apps/${appName}/stop`);
  });

  it('is called no more once its app is stopped', async () => {
    const { appName, functionId } = await platform.deployFresh([scheduled('tick', EVERY_SECOND)]);
    await waitUntil(async () => (await runsOf(appName)).length > 0);
    await platform.client.request('POST', `/v1/apps/${appName}/stop`);
    // A tick that was under way may still be recorded.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const last = await platform.messaging.runs.lastTick(functionId);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await platform.messaging.runs.lastTick(functionId)).toEqual(last);
  });

  it('is called no more when a deploy takes its schedule away, and again when one brings it back', async () => {
    const { appName, functionId } = await platform.deployFresh([scheduled('tick', EVERY_SECOND)]);
    await waitUntil(async () => (await runsOf(appName)).length > 0);
    await platform.client.deploy({ manifest: manifest([fn('tick')]), name: appName });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const last = await platform.messaging.runs.lastTick(functionId);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await platform.messaging.runs.lastTick(functionId)).toEqual(last);
    expect(await schedulesOf(appName)).toEqual([]);

    const atMs = Date.now();
    await platform.client.deploy({ manifest: manifest([scheduled('tick', EVERY_SECOND)]), name: appName });
    await waitUntil(async () => ((await platform.messaging.runs.lastTick(functionId))?.tickMs ?? 0) > atMs);
    await platform.client.request('POST', `/v1/apps/${appName}/stop`);
  });

  it('with a period starts anew at each deploy; with a cron expression it does not', async () => {
    const functions = [scheduled('period', NEVER_SOON), scheduled('nightly', NIGHTLY)];
    const { appName, functions: deployed } = await platform.deployFresh(functions);
    const idOf = (name: string) => deployed.find((one) => one.name === name)?.id ?? '';
    const anchors = async () =>
      Promise.all(
        ['period', 'nightly'].map(async (name) => (await recordOf(idOf(name))).scheduledFromMs ?? 0),
      );
    const [periodBefore = 0, nightlyBefore] = await anchors();

    await platform.client.deploy({ manifest: manifest(functions), name: appName });
    const [periodAfter = 0, nightlyAfter] = await anchors();
    expect(periodAfter).toBeGreaterThan(periodBefore);
    expect(nightlyAfter).toBe(nightlyBefore);

    const earlier = { ...NIGHTLY, expression: '0 2 * * *' };
    await platform.client.deploy({ manifest: manifest([scheduled('nightly', earlier)]), name: appName });
    expect((await recordOf(idOf('nightly'))).scheduledFromMs).toBeGreaterThan(periodAfter);
  });

  it('is scheduled again by a rollback to a version that had the schedule', async () => {
    const { appName, functionId } = await platform.deployFresh([scheduled('nightly', NIGHTLY)]);
    await platform.client.deploy({ manifest: manifest([fn('nightly')]), name: appName });
    expect(await schedulesOf(appName)).toEqual([]);

    const atMs = Date.now();
    const reply = await platform.client.request('POST', `/v1/apps/${appName}/rollback`, {});
    expect(reply.status, reply.text).toBe(200);
    expect(await schedulesOf(appName)).toMatchObject([{ functionName: 'nightly', schedule: NIGHTLY }]);
    // Not for nights in which it was not there.
    expect((await recordOf(functionId)).scheduledFromMs).toBeGreaterThanOrEqual(atMs);
  });

  it('of an ephemeral app is called only if the app is served', async () => {
    const run = await platform.deployFresh([scheduled('tick', EVERY_SECOND)], { ephemeral: true });
    const serve = await platform.deployFresh([scheduled('tick', EVERY_SECOND)], {
      ephemeral: true,
      schedules: true,
    });
    expect(await schedulesOf(run.appId)).toEqual([]);
    await waitUntil(async () => (await runsOf(serve.appId)).length > 1);
    expect(await platform.messaging.runs.lastTick(run.functionId)).toBeUndefined();
    await platform.client.request('POST', `/v1/apps/${serve.appId}/stop`);
  });

  it('that fails says so in its history, in the log of its app, and to a webhook', async () => {
    platform.worker.handler = () => ({
      type: 'error',
      error: new Uint8Array(),
      stack: 'RangeError: too much\n at x',
    });
    const { appName, appId } = await platform.deployFresh([scheduled('tick', EVERY_SECOND)]);
    await waitUntil(async () => (await runsOf(appName)).some((run) => run.outcome === 'failed'));
    const failed = (await runsOf(appName)).find((run) => run.outcome === 'failed');
    expect(failed?.message).toBe('RangeError: too much');
    await waitUntil(async () => (await systemLog(appId)).includes('"tick" failed: RangeError: too much'));
    await waitUntil(() => notices.some(({ app, event }) => app === appName && event === 'run.failed'));
    expect(notices.find(({ app }) => app === appName)).toMatchObject({
      ...{ workspace: 'local', environment: 'main', function: 'tick' },
      text: expect.stringMatching(/^Gantry, app "app\d+" in local\/main: .*RangeError: too much/) as string,
    });
    await platform.client.request('POST', `/v1/apps/${appName}/stop`);
    platform.worker.handler = ({ message }) => ({ type: 'value', value: message.args });
  });

  it('after an outage is called once for the latest tick, and the others are told as missed', async () => {
    const { appName, appId, functionId } = await platform.deployFresh([scheduled('tick', NEVER_SOON)]);
    const record = await recordOf(functionId);
    const spec = { ...record.spec, schedule: { type: 'period' as const, minutes: 50 } };
    const scheduledFromMs = Date.now() - 170 * 60_000;
    await platform.messaging.registry.put(registryKeys.function(functionId), {
      ...record,
      spec,
      scheduledFromMs,
    });
    await waitUntil(async () => (await runsOf(appName)).some((run) => run.outcome === 'succeeded'));
    expect(await runsOf(appName)).toMatchObject([
      { kind: 'tick', tickMs: scheduledFromMs + 150 * 60_000 },
      { kind: 'missed', tickMs: scheduledFromMs + 100 * 60_000, ticks: 2, outcome: 'none' },
    ]);
    expect(await systemLog(appId)).toContain('2 runs from');
  });

  it('whose inputs pile up skips ticks, and says so', async () => {
    const { appName, appId, functionId } = await platform.deployFresh([
      { ...scheduled('tick', EVERY_SECOND), options: { region: ['nowhere'] } },
    ]);
    const session = await platform.client.session();
    session.submit(
      functionId,
      Array.from({ length: 100 }, () => 1),
    );
    await waitUntil(async () => (await runsOf(appName)).some((run) => run.kind === 'skipped'));
    expect(await systemLog(appId)).toContain('inputs of "tick" wait already');
    session.close();
    await platform.client.request('POST', `/v1/apps/${appName}/stop`);
  });
});

describe('run-now', () => {
  it('calls a function once and enters it into the history', async () => {
    const { appName } = await platform.deployFresh([scheduled('report', NEVER_SOON)]);
    const reply = await platform.client.request('POST', `/v1/apps/${appName}/functions/report/run`);
    expect(reply.json['callId']).toMatch(/^fc-\w{22}$/);
    await waitUntil(async () => (await runsOf(appName))[0]?.outcome === 'succeeded');
    expect(await runsOf(appName)).toMatchObject([{ kind: 'manual', callId: reply.json['callId'] }]);
  });

  it('refuses a function that needs arguments, a generator, and one that does not exist', async () => {
    const needy = fn('needy');
    needy.methods[0]?.params.push({ name: 'x', type: { type: 'number' }, optional: false });
    const { appName } = await platform.deployFresh([needy]);
    const refused = await platform.client.request('POST', `/v1/apps/${appName}/functions/needy/run`);
    expect(refused.json['message']).toBe('the function "needy" needs arguments: "x"');
    const generator = fn('values');
    Object.assign(generator.methods[0] ?? {}, { handlerKind: 'asyncGenerator' });
    const other = await platform.deployFresh([generator]);
    const path = `/v1/apps/${other.appName}/functions/values/run`;
    expect((await platform.client.request('POST', path)).json['message']).toContain('is a generator');
    const unknown = await platform.client.request('POST', `/v1/apps/${appName}/functions/nobody/run`);
    expect(unknown.status).toBe(404);
  });
});

it.each<[string, object, string]>([
  [
    'a cron expression that cannot be read',
    { type: 'cron', expression: '61 * * * *' },
    'Invalid value for minute',
  ],
  [
    'a time zone that does not exist',
    { type: 'cron', expression: '1 * * * *', timeZone: 'Mars/X' },
    'no time zone',
  ],
  ['an expression that is never due', { type: 'cron', expression: '0 0 31 2 *' }, 'never due'],
  ['a period of nothing', { type: 'period' }, 'at least one second'],
  ['a negative period', { type: 'period', days: -1 }, 'must be a cron expression or a period'],
  ['no schedule at all', { type: 'moon' }, 'must be a cron expression or a period'],
])('a deploy with %s is refused', async (_what, schedule, message) => {
  const reply = await platform.client.deploy({
    manifest: manifest([scheduled('f', schedule as ScheduleSpec)], { appName: 'refused' }),
  });
  expect(reply.status).toBe(400);
  expect(reply.json['message']).toContain(message);
});

import { type ChildProcess } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory, waitUntil, type TemporaryDirectory } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { end, REPOSITORY, runCli, spawnCli, startPlatform, type Platform } from './platform.ts';

const SOURCE = `
import { App, Cron, Period } from 'gantry';

const app = new App('clock');
export const tick = app.function({ schedule: new Period({ seconds: 2 }) }, async () => console.log('tick-tock'));
export const nightly = app.function(
  { schedule: new Cron('0 3 * * *', { timeZone: 'Europe/Berlin' }) },
  async (loud = true) => {
    if (loud) throw new Error('the night is silent');
  },
);
`;

interface Schedule {
  functionName: string;
  nextMs?: number;
  schedule: object;
  runs: { tickMs: number; kind: string; outcome: string; callId?: string; message?: string }[];
}

let platform: Platform;
let project: TemporaryDirectory;
let entry = '';

beforeAll(async () => {
  platform = await startPlatform();
  project = await temporaryDirectory('gantry-project-');
  entry = join(project.path, 'app.ts');
  await mkdir(join(project.path, 'node_modules'));
  await symlink(join(REPOSITORY, 'node_modules/gantry'), join(project.path, 'node_modules/gantry'));
  await writeFile(join(project.path, 'package.json'), '{ "name": "clock", "type": "module" }');
  await writeFile(entry, SOURCE);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await project.remove();
});

async function deploy(source = SOURCE): Promise<void> {
  await writeFile(entry, source);
  const result = await runCli(['deploy', entry], platform.env);
  expect(result.code, result.stderr).toBe(0);
}

async function schedules(app = 'clock', runs = 200): Promise<Schedule[]> {
  const result = await runCli(['app', 'schedules', app, '--json', '--runs', String(runs)], platform.env);
  expect(result.code, result.stderr).toBe(0);
  return JSON.parse(result.stdout) as Schedule[];
}

async function runsOf(name: string, app?: string): Promise<Schedule['runs']> {
  return (await schedules(app)).find((one) => one.functionName === name)?.runs ?? [];
}

describe('an app with schedules', () => {
  test('is called at each tick, with its output in the log', async () => {
    await deploy();
    await waitUntil(
      async () => (await runsOf('tick')).filter((run) => run.outcome === 'succeeded').length >= 3,
      {
        timeoutMs: 30_000,
      },
    );

    const ticks = (await runsOf('tick')).map((run) => run.tickMs);

    expect(ticks.slice(1).map((tick, index) => (ticks[index] ?? 0) - tick)).toEqual(
      ticks.slice(1).map(() => 2_000),
    );
    const logs = await runCli(['app', 'logs', 'clock'], platform.env);
    expect(logs.stdout).toContain('tick-tock');
  });

  test('shows when each function is due next', async () => {
    const [nightly, tick] = await schedules();

    expect(nightly).toMatchObject({
      functionName: 'nightly',
      schedule: { type: 'cron', expression: '0 3 * * *', timeZone: 'Europe/Berlin' },
      runs: [],
    });
    expect([1, 2]).toContain(new Date(nightly?.nextMs ?? 0).getUTCHours());
    expect(tick?.schedule).toEqual({ type: 'period', seconds: 2 });
    const table = await runCli(['app', 'schedules', 'clock'], platform.env);
    expect(table.stdout).toContain('0 3 * * * (Europe/Berlin)');
    expect(table.stdout).toContain('every 2 seconds');
  });

  test('run-now calls a function at once; its failure is in the history', async () => {
    const result = await runCli(['app', 'run-now', 'clock', 'nightly'], platform.env);

    expect(result.code, result.stderr).toBe(0);
    const callId = result.stdout.trim();
    expect(callId).toMatch(/^fc-\w{22}$/);
    await waitUntil(async () => (await runsOf('nightly'))[0]?.outcome === 'failed', { timeoutMs: 30_000 });
    expect(await runsOf('nightly')).toMatchObject([
      { kind: 'manual', callId, message: 'Error: the night is silent' },
    ]);
  });

  test('a redeploy starts the period anew', async () => {
    // That both deploys fall on the same millisecond of two seconds is as good as impossible.
    const [latest] = await runsOf('tick');
    const deployedAtMs = Date.now();
    await deploy(SOURCE.replace('tick-tock', 'tock-tick'));
    await waitUntil(async () => ((await runsOf('tick'))[0]?.tickMs ?? 0) > deployedAtMs + 4_000, {
      timeoutMs: 30_000,
    });

    const offsets = new Set((await runsOf('tick')).map((run) => run.tickMs % 2_000));

    expect(offsets.size).toBe(2);
    expect(offsets).toContain((latest?.tickMs ?? 0) % 2_000);
    const logs = await runCli(['app', 'logs', 'clock'], platform.env);
    expect(logs.stdout).toContain('tock-tick');
  });

  test('a stop ends its schedules', async () => {
    const stopped = await runCli(['app', 'stop', 'clock'], platform.env);

    expect(stopped.code, stopped.stderr).toBe(0);
    expect(await schedules()).toEqual([]);
    const logs = async () =>
      (await runCli(['app', 'logs', 'clock'], platform.env)).stdout.split('tock-tick').length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = await logs();
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    expect(await logs()).toBe(before);
  });

  test('is live while it is served too', async () => {
    await writeFile(entry, SOURCE);
    const serve: ChildProcess & { output?: string } = spawnCli(['serve', entry], platform.env);
    let output = '';
    for (const stream of [serve.stdout, serve.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    await waitUntil(() => output.split('tick-tock').length > 2, { timeoutMs: 30_000 });

    expect(await end(serve, 'SIGINT')).toBe(0);
  });
});

describe('a schedule that cannot be', () => {
  test.each([
    ["new Cron('61 * * * *')", 'app.ts:5: "61 * * * *" is no cron expression'],
    ["new Cron('0 0 31 2 *')", 'app.ts:5: the cron expression "0 0 31 2 *" is never due'],
    ['new Period({ days: -1 })', 'app.ts:5: Period: days must be a whole number from 0, not -1'],
    ['new Period({})', 'app.ts:5: a Period must be at least one second long'],
  ])('%s is refused by the build, with its place', async (schedule, message) => {
    await writeFile(entry, SOURCE.replace('new Period({ seconds: 2 })', schedule));

    const result = await runCli(['build', entry, '--out', join(project.path, 'out')], platform.env);

    expect(result.code).toBe(1);
    expect(result.stderr).toContain(message);
  });

  test.each([
    ['async (x: number) => x', '"tick" has a schedule, which calls it without arguments, but it needs "x"'],
    ['async function* () { yield 1; }', '"tick" has a schedule, but nobody takes the values that it yields'],
  ])('is one on %s', async (code, message) => {
    await writeFile(entry, SOURCE.replace("async () => console.log('tick-tock')", code));

    const result = await runCli(['build', entry, '--out', join(project.path, 'out')], platform.env);

    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`app.ts:5: ${message}`);
  });

  test('is one on a class', async () => {
    const source = `import { App, method, Period } from 'gantry';
const app = new App('clock');
@app.cls({ schedule: new Period({ hours: 1 }) } as object)
export class Clock { @method() tick() {} }`;
    await writeFile(entry, source);

    const result = await runCli(['build', entry, '--out', join(project.path, 'out')], platform.env);

    expect(result.code).toBe(1);
    expect(result.stderr).toContain('app.ts:3: class "Clock": a class cannot have a schedule');
  });
});

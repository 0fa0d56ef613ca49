import { newId, type RunRecord } from '@gantry/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { connectMessaging, type Messaging } from './index.ts';
import { type OwnMessaging, startMessaging } from './messaging.fixture.ts';

let own: OwnMessaging;
let messaging: Messaging;

beforeAll(async () => {
  own = await startMessaging();
  ({ messaging } = own);
});
afterAll(() => own[Symbol.asyncDispose]());

function aRun(functionId: string, tickMs: number, changes: Partial<RunRecord> = {}): RunRecord {
  return { functionId, tickMs, kind: 'tick', callId: `fc-${tickMs}`, version: 1, atMs: tickMs, ...changes };
}

it('takes one record per function and tick, whatever it says', async () => {
  const functionId = newId('fu');
  expect(await messaging.runs.record(aRun(functionId, 1_000))).toBe('stored');
  expect(await messaging.runs.record(aRun(functionId, 1_000))).toBe('duplicate');
  expect(await messaging.runs.record(aRun(functionId, 1_000, { kind: 'skipped' }))).toBe('duplicate');
  expect(await messaging.runs.record(aRun(newId('fu'), 1_000))).toBe('stored');
  expect(await messaging.runs.find(functionId, 1_000)).toEqual(aRun(functionId, 1_000));
});

it('of two servers that record a tick at once, takes the record of one', async () => {
  const other = await connectMessaging({ url: own.nats.url, name: 'other' });
  const functionId = newId('fu');
  for (let tickMs = 1; tickMs <= 50; tickMs++) {
    const results = await Promise.all(
      [messaging, other].map(({ runs }) => runs.record(aRun(functionId, tickMs))),
    );
    expect(results.sort()).toEqual(['duplicate', 'stored']);
  }
  await other.close();
});

it('knows the last tick, which runs by hand are not', async () => {
  const functionId = newId('fu');
  expect(await messaging.runs.lastTick(functionId)).toBeUndefined();
  await messaging.runs.record(aRun(functionId, 1_000));
  await messaging.runs.record(aRun(functionId, 2_000, { kind: 'missed' }));
  await messaging.runs.record(aRun(functionId, 3_000, { kind: 'manual' }));
  expect((await messaging.runs.lastTick(functionId))?.tickMs).toBe(2_000);
  expect(await messaging.runs.find(functionId, 3_000)).toBeUndefined();
});

it('lists the newest records, runs by hand among them', async () => {
  const functionId = newId('fu');
  for (const tickMs of [1_000, 2_000, 4_000]) await messaging.runs.record(aRun(functionId, tickMs));
  await messaging.runs.record(aRun(functionId, 3_000, { kind: 'manual' }));
  const ticks = async (limit: number) =>
    (await messaging.runs.newest(functionId, limit)).map((run) => run.tickMs);
  expect(await ticks(2)).toEqual([4_000, 3_000]);
  expect(await ticks(10)).toEqual([4_000, 3_000, 2_000, 1_000]);
  expect(await messaging.runs.newest(newId('fu'), 10)).toEqual([]);
});

import { NO_USAGE, type UsageReport, type UsageRow } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startFakeServer, type FakeServer } from './fake-server.fixture.ts';

const HOUR_MS = 3_600_000;
let server: FakeServer;
let asked: URLSearchParams;
let rows: UsageRow[];

beforeEach(async () => {
  rows = [];
  server = await startFakeServer((request) => {
    asked = new URL(request.url ?? '', 'http://server').searchParams;
    const [fromMs, toMs] = [Number(asked.get('from')), Number(asked.get('to'))];
    return Promise.resolve({ environment: 'main', fromMs, toMs, rows } satisfies UsageReport);
  });
});
afterEach(() => server[Symbol.asyncDispose]());

function row(functionName: string, usage: Partial<UsageRow>): UsageRow {
  return { ...NO_USAGE, appId: 'ap-1', appName: 'shop', functionName, ...usage };
}

describe('gantry usage', () => {
  test('shows hours of each function, and their sum', async () => {
    rows = [
      row('bill', { containerSeconds: 3600, cpuSeconds: 1800, memoryGiBSeconds: 36 }),
      row('draw', { containerSeconds: 7200, cpuSeconds: 3600, gpuSeconds: { T4: 3600, H100: 5400 } }),
    ];
    const { out, notes } = await server.gantry('usage --from 2026-11-01 --to 2026-11-02');
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['APP', 'FUNCTION', 'CONTAINERS', 'CORES', 'GIB', 'GPUS'],
      ['shop', 'bill', '1.00', '0.50', '0.010', '-'],
      ['shop', 'draw', '2.00', '1.00', '0.00', 'H100 1.50, T4 1.00'],
      ['total', '3.00', '1.50', '0.010', 'H100 1.50, T4 1.00'],
      [''],
    ]);
    expect(notes).toContain('from 2026-11-01 00:00 to 2026-11-02 00:00 (UTC)');
    expect(Object.fromEntries(asked)).toMatchObject({
      from: String(Date.UTC(2026, 10, 1)),
      to: String(Date.UTC(2026, 10, 2)),
      per: 'total',
    });
  });

  test('tells days and hours apart, and counts back from now', async () => {
    const startMs = Date.UTC(2026, 10, 5, 7);
    rows = [row('bill', { startMs, containerSeconds: 3600 })];
    expect((await server.gantry('usage --from 24h --per hour')).out).toContain('2026-11-05 07:00  shop');
    expect(Number(asked.get('to')) - Number(asked.get('from'))).toBe(24 * HOUR_MS);
    expect((await server.gantry('usage --from 7d --per day')).out).toContain('2026-11-05  shop');
  });

  test('says that nothing ran, from the first of the month on where no time is given', async () => {
    const { notes } = await server.gantry('usage');
    expect(notes).toMatch(/Nothing ran from \d{4}-\d\d-01 00:00 to /);
  });

  test('prints the report of the server for programs', async () => {
    rows = [row('bill', { cpuSeconds: 12.5 })];
    expect(JSON.parse((await server.gantry('usage --json')).out)).toMatchObject({ rows });
  });

  test.each([
    ['usage --from yesterday', '--from must be a date such as 2026-11-01'],
    ['usage --from 1d --to 2d', '--from must be before --to'],
    ['usage --per week', '--per must be total, day, hour'],
  ])('refuses "%s"', async (line, message) => {
    await expect(server.gantry(line)).rejects.toThrow(message);
  });
});

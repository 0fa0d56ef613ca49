import { type FunctionUsage, type HourUsage, NO_USAGE } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { usageRows } from './usage-rows.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function hour(hourMs: number, ...functions: Partial<FunctionUsage>[]): HourUsage {
  const of = { environment: 'en-1', appId: 'ap-1', appName: 'shop', functionName: 'work' };
  return { hourMs, source: 'one', functions: functions.map((one) => ({ ...NO_USAGE, ...of, ...one })) };
}

const HOURS = [
  hour(0, { cpuSeconds: 1, gpuSeconds: { H100: 2 } }, { functionName: 'bill', cpuSeconds: 10 }),
  hour(0, { cpuSeconds: 2, gpuSeconds: { T4: 1 } }),
  hour(HOUR_MS, { cpuSeconds: 4, gpuSeconds: { H100: 1 } }),
  hour(DAY_MS, { cpuSeconds: 8 }, { environment: 'en-2', cpuSeconds: 100 }),
];

function told(per: 'total' | 'day' | 'hour'): unknown[] {
  return usageRows(HOURS, { environment: 'en-1', per }).map(({ startMs, functionName, cpuSeconds }) => [
    startMs,
    functionName,
    cpuSeconds,
  ]);
}

describe('what an environment used', () => {
  it('is one line for each function, summed over workers and hours, without that of others', () => {
    expect(told('total')).toEqual([
      [undefined, 'bill', 10],
      [undefined, 'work', 15],
    ]);
    expect(usageRows(HOURS, { environment: 'en-1', per: 'total' })[1]?.gpuSeconds).toEqual({
      H100: 3,
      T4: 1,
    });
  });

  it('is told by day of UTC, or by hour, in their order', () => {
    expect(told('day')).toEqual([
      [0, 'bill', 10],
      [0, 'work', 7],
      [DAY_MS, 'work', 8],
    ]);
    expect(told('hour')).toEqual([
      [0, 'bill', 10],
      [0, 'work', 3],
      [HOUR_MS, 'work', 4],
      [DAY_MS, 'work', 8],
    ]);
  });
});

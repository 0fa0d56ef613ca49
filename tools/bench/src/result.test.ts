import { expect, test } from 'vitest';

import { formatTable, judge, judgeLimit, report } from './result.ts';

const measurement = { name: 'call', unit: 'ms', value: 3, baseline: 'other', baselineValue: 2 };

test('a ratio at the bound is met', () => {
  expect(judge(measurement, '<=', 1.5)).toMatchObject({ ratio: 1.5, ok: true, target: 'ratio <= 1.5' });
});

test('a ratio past the bound is missed', () => {
  expect(judge(measurement, '<=', 1.4).ok).toBe(false);
  expect(judge(measurement, '>=', 1.6).ok).toBe(false);
});

test('a value at its limit is missed', () => {
  expect(judgeLimit({ name: 'memory', unit: 'MiB', value: 250 }, 250).ok).toBe(false);
});

test('the table shows every benchmark on a line of its own', () => {
  const table = formatTable([judge(measurement, '<=', 1.5), judge(measurement, '<=', 1)]);

  expect(table.split('\n')).toHaveLength(4);
  expect(table).toContain('MISSED');
});

test('what is only reported is neither met nor missed', () => {
  const result = report(measurement);

  expect(result).toMatchObject({ ratio: 1.5, target: 'none', ok: true });
  expect(formatTable([result])).not.toMatch(/ok|MISSED/);
});

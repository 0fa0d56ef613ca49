import { describe, expect, test } from 'vitest';

import { parseInteger, parsePort, parseSeconds } from './option-values.ts';
import { UsageError } from './usage-error.ts';

describe('a number of seconds', () => {
  test.each([
    ['1', 1_000],
    ['0.5', 500],
    ['.25', 250],
  ])('"%s" is %d ms', (text, ms) => {
    expect(parseSeconds('--timeout', text)).toBe(ms);
  });

  test.each(['', '0', '-1', '1e3', 'soon', '2147484', '1s'])('is not "%s"', (text) => {
    expect(() => parseSeconds('--timeout', text)).toThrow(UsageError);
    expect(() => parseSeconds('--timeout', text)).toThrow('--timeout must be a number of seconds');
  });
});

test('a port is a whole number that TCP has', () => {
  expect(parsePort('--port', '7420')).toBe(7420);
  for (const text of ['65536', '-1', '1.5', '']) expect(() => parsePort('--port', text)).toThrow('--port');
});

test('a number without an upper bound is told to have none', () => {
  const bounds = { min: 1, max: Number.MAX_SAFE_INTEGER };
  expect(() => parseInteger('[count]', '0', bounds)).toThrow(
    '[count] must be a whole number of at least 1, not "0"',
  );
});

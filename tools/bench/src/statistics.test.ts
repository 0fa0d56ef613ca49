import { expect, test } from 'vitest';

import { median, quantile } from './statistics.ts';

test('the median of an even count is the mean of the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('quantiles interpolate between ranks', () => {
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(quantile([5], 0.99)).toBe(5);
});

test('no values have no quantile', () => {
  expect(() => median([])).toThrow(RangeError);
});

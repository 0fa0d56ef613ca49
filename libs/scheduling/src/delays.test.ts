import { expect, it } from 'vitest';

import { backoffMs, retryDelayMs } from './delays.ts';

it('doubles the pause after each failed load, up to a minute', () => {
  expect([0, 1, 2, 3, 6, 7, 50].map(backoffMs)).toEqual([0, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});

it('retries by the policy until no try is left', () => {
  const retries = { maxRetries: 3, initialDelayMs: 500, backoffCoefficient: 3, maxDelayMs: 2_000 };
  expect([0, 1, 2, 3].map((attempt) => retryDelayMs(retries, attempt))).toEqual([
    500,
    1_500,
    2_000,
    undefined,
  ]);
  expect(retryDelayMs(undefined, 0)).toBeUndefined();
});

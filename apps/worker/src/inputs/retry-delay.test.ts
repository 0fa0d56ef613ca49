import { describe, expect, it } from 'vitest';

import { retryDelayMs } from './retry-delay.ts';

const policy = { maxRetries: 4, initialDelayMs: 100, backoffCoefficient: 2, maxDelayMs: 500 };

describe('the delay before a retry', () => {
  it('grows by the coefficient up to the longest', () => {
    expect([1, 2, 3, 4].map((retry) => retryDelayMs(policy, retry))).toEqual([100, 200, 400, 500]);
  });

  it('is none when the retries are used up or there is no policy', () => {
    expect(retryDelayMs(policy, 5)).toBeUndefined();
    expect(retryDelayMs(undefined, 1)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';

import { exactNeed, resourceNeed } from './placement.ts';

describe('resourceNeed', () => {
  it('takes the request of a pair, and the default of what is not said', () => {
    expect(resourceNeed({ cpu: [0.5, 2] })).toEqual({ cpu: 0.5, memoryMiB: 128 });
    expect(resourceNeed({ memoryMiB: 512 })).toEqual({ cpu: 0.125, memoryMiB: 512 });
  });

  it('is a sum of binary parts of a core, so that sums have no rounding errors', () => {
    const { cpu } = exactNeed({ cpu: 0.1 });
    let sum = 0;
    for (let i = 0; i < 1_000; i++) sum += cpu;
    for (let i = 0; i < 1_000; i++) sum -= cpu;
    expect(sum).toBe(0);
    expect(cpu * 10).toBeLessThanOrEqual(1);
    expect(0.1 - cpu).toBeLessThan(1e-6);
  });
});

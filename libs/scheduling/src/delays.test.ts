import { expect, it } from 'vitest';

import { backoffMs } from './delays.ts';

it('doubles the pause after each failed load, up to a minute', () => {
  expect([0, 1, 2, 3, 6, 7, 50].map(backoffMs)).toEqual([0, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});

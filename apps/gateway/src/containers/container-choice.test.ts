import { describe, expect, test } from 'vitest';

import { chooseContainer, type Candidate } from './container-choice.ts';

function candidate(
  version: number,
  load: number,
  options: { isUsable?: boolean; max?: number } = {},
): Candidate {
  const { isUsable = true, max = 2 } = options;
  return { status: { version }, isUsable, hasFreeSlot: load < max, load };
}

describe('chooseContainer', () => {
  test('takes the one with the least to do', () => {
    const idle = candidate(1, 0);
    expect(chooseContainer([candidate(1, 1), idle, candidate(1, 1)], 1)).toBe(idle);
  });

  test('takes none that is full, not ready, or excluded', () => {
    const excluded = candidate(1, 0);
    const candidates = [candidate(1, 2), candidate(1, 0, { isUsable: false }), excluded];
    expect(chooseContainer(candidates, 1, new Set([excluded]))).toBeUndefined();
  });

  test('prefers the current version, even busier', () => {
    const current = candidate(2, 1);
    expect(chooseContainer([candidate(1, 0), current], 2)).toBe(current);
    expect(chooseContainer([current, candidate(1, 0)], 2)).toBe(current);
  });

  test('falls back to the newest older version only while no current one is ready', () => {
    const older = candidate(2, 1);
    expect(chooseContainer([candidate(1, 0), older, candidate(3, 0, { isUsable: false })], 3)).toBe(older);
    expect(chooseContainer([older, candidate(3, 2)], 3)).toBeUndefined();
  });
});

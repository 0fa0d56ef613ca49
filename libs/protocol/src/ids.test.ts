import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { callSessionKey, idTimeMs, isId, newCallId, newId, newSessionKey } from './ids.ts';

const anyTime = fc.integer({ min: 0, max: 8_000_000_000_000 });

describe('ids', () => {
  it('are a prefix and 22 letters and digits', () => {
    expect(newId('ap')).toMatch(/^ap-[0-9A-Za-z]{22}$/);
    expect(newCallId(newSessionKey())).toMatch(/^fc-[0-9A-Za-z]{22}$/);
  });

  it('are distinct', () => {
    const ids = Array.from({ length: 20_000 }, () => newId('in', 0));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('say when they were made, and sort by it', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (early, late) => {
        const [first, second] = [newId('in', early), newCallId('abcdef', late).replace('fc-', 'in-')];
        expect(idTimeMs(first)).toBe(early);
        expect(idTimeMs(second)).toBe(late);
        if (early !== late) expect(first < second).toBe(early < late);
      }),
    );
  });

  it('use every character about as often as any other', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 5_000; i++) {
      for (const char of newId('in', 0).slice(-14)) counts.set(char, (counts.get(char) ?? 0) + 1);
    }
    const expected = (5_000 * 14) / 62;
    expect(counts.size).toBe(62);
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(expected / 3);
  });

  it('of calls end with the key of their session', () => {
    const key = newSessionKey();
    expect(key).toMatch(/^[0-9A-Za-z]{6}$/);
    expect(callSessionKey(newCallId(key))).toBe(key);
  });

  it.each([
    'ap-',
    'ap-short',
    'fu-0123456789abcdefghijkl',
    'ap-0123456789abcdefghijk!',
    'xap-0123456789abcdefghijkl',
  ])('are told from other text: %s', (text) => {
    expect(isId(text, 'ap')).toBe(false);
    expect(isId('ap-0123456789abcdefghijkl', 'ap')).toBe(true);
  });
});

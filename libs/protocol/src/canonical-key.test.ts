import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonicalKey } from './canonical-key.ts';
import { SerializationError } from './errors.ts';
import { decodeValue, encodeValue } from './value-codec.ts';

describe('keys of dicts', () => {
  it('are equal for equal values, whatever the order of their parts', () => {
    expect(canonicalKey({ a: 1, b: [2, { d: 3, c: 4 }] })).toBe(
      canonicalKey({ b: [2, { c: 4, d: 3 }], a: 1 }),
    );
    expect(canonicalKey(new Set([1, 2]))).toBe(canonicalKey(new Set([2, 1])));
    expect(
      canonicalKey(
        new Map([
          ['x', 1],
          ['y', 2],
        ]),
      ),
    ).toBe(
      canonicalKey(
        new Map([
          ['y', 2],
          ['x', 1],
        ]),
      ),
    );
    expect(canonicalKey(-0)).toBe(canonicalKey(0));
  });

  it('differ for values of different types', () => {
    const values = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      undefined,
      'null',
      [1],
      { 0: 1 },
      new Date(1),
      new Set([1]),
      NaN,
    ];
    const views = [
      new Uint8Array([1]),
      new Uint16Array([1]),
      'Uint8Array(01)',
      new URL('http://a/'),
      ['a', 'b'],
      ['a,b'],
    ];
    const keys = [...values, ...views].map((value) => canonicalKey(value));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are the same after the value has travelled', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
        (value) => {
          let key: string;
          try {
            key = canonicalKey(value);
          } catch {
            return;
          }
          expect(canonicalKey(decodeValue(encodeValue(value)))).toBe(key);
        },
      ),
    );
  });

  it('refuse what is no plain data, and what contains itself', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const ofNoClass: unknown = Object.create(Object.create(null) as object);
    for (const value of [() => 1, Symbol('x'), cycle, new (class Point {})(), ofNoClass, /x/]) {
      expect(() => canonicalKey(value)).toThrow(SerializationError);
    }
    expect(() => canonicalKey('x'.repeat(9_000))).toThrow('longer than 8 KiB');
  });
});

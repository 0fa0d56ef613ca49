import { describe, expect, test } from 'vitest';

import { toJsonText } from './json-text.ts';

describe('toJsonText', () => {
  test('says null for nothing and quotes text', () => {
    expect(toJsonText(undefined)).toBe('null');
    expect(toJsonText(null)).toBe('null');
    expect(toJsonText('a"b')).toBe('"a\\"b"');
    expect(toJsonText(Number.NaN)).toBe('null');
  });

  test('keeps what JSON alone would lose', () => {
    expect(toJsonText({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(toJsonText([5n, 2n ** 60n])).toBe('[5,"1152921504606846976"]');
    expect(toJsonText(new Map([['a', new Set([1, 2])]]))).toBe('{"a":[1,2]}');
    expect(toJsonText(new Map([[1, 'x']]))).toBe('[[1,"x"]]');
    expect(toJsonText({ bytes: Buffer.from('hi'), view: new Uint8Array([1]) })).toBe(
      '{"bytes":"aGk=","view":"AQ=="}',
    );
    expect(toJsonText({ cause: new TypeError('no') })).toBe('{"cause":{"name":"TypeError","message":"no"}}');
  });

  test('refuses a value that contains itself', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => toJsonText(circle)).toThrow(TypeError);
  });

  test('asks objects for their own form', () => {
    expect(toJsonText({ money: { toJSON: () => '5 EUR' } })).toBe('{"money":"5 EUR"}');
  });
});

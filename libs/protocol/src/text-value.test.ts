import { describe, expect, test } from 'vitest';

import type { TypeSpec } from './manifest.ts';
import { parseText } from './text-value.ts';

function valueOf(text: string, type: TypeSpec): unknown {
  const parsed = parseText(text, type);
  return parsed.ok ? parsed.value : parsed.kind;
}

describe('parseText', () => {
  test('reads what the type says and nothing looser', () => {
    expect(valueOf('5', { type: 'integer' })).toBe(5);
    expect(valueOf('5.5', { type: 'integer' })).toBe('int_parsing');
    expect(valueOf('', { type: 'integer' })).toBe('int_parsing');
    expect(valueOf('9007199254740993', { type: 'integer' })).toBe('int_parsing_size');
    expect(valueOf('9007199254740993', { type: 'bigint' })).toBe(9007199254740993n);
    expect(valueOf('-1.5e3', { type: 'number' })).toBe(-1500);
    expect(valueOf('0x10', { type: 'number' })).toBe('float_parsing');
    expect(valueOf('Infinity', { type: 'number' })).toBe('float_parsing');
    expect(valueOf(' x ', { type: 'string' })).toBe(' x ');
  });

  test('knows the usual words for true and false', () => {
    for (const word of ['true', 'True', '1', 'yes', 'on'])
      expect(valueOf(word, { type: 'boolean' })).toBe(true);
    for (const word of ['false', '0', 'NO', 'off']) expect(valueOf(word, { type: 'boolean' })).toBe(false);
    expect(valueOf('maybe', { type: 'boolean' })).toBe('bool_parsing');
  });

  test('reads dates in ISO form only', () => {
    expect(valueOf('2030-01-31', { type: 'date' })).toEqual(new Date('2030-01-31'));
    expect(valueOf('2030-01-31T10:00:00Z', { type: 'date' })).toEqual(new Date('2030-01-31T10:00:00Z'));
    expect(valueOf('2030-13-31', { type: 'date' })).toBe('datetime_parsing');
    expect(valueOf('yesterday', { type: 'date' })).toBe('datetime_parsing');
  });

  test('reads bytes from both base64 alphabets', () => {
    expect(valueOf('-_8', { type: 'bytes' })).toEqual(new Uint8Array([251, 255]));
    expect(valueOf('+/8=', { type: 'bytes' })).toEqual(new Uint8Array([251, 255]));
    expect(valueOf('*', { type: 'bytes' })).toBe('bytes_parsing');
  });

  test('finds the member of an enum, numbers included', () => {
    const type: TypeSpec = { type: 'enum', values: ['a', 2] };
    expect(valueOf('2', type)).toBe(2);
    expect(parseText('c', type)).toEqual({ ok: false, kind: 'enum', message: "Input should be 'a' or 2" });
  });
});

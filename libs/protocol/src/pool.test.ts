import { describe, expect, it } from 'vitest';

import { InvalidError } from './errors.ts';
import type { ParameterSpec, TypeSpec } from './manifest.ts';
import { completeParameters, poolKey } from './pool.ts';

function spec(name: string, type: TypeSpec, rest: Partial<ParameterSpec> = {}): ParameterSpec {
  return { name, type, optional: false, ...rest };
}

describe('a pool key', () => {
  it('is the function id where there are no parameters', async () => {
    expect(await poolKey('fu-1')).toBe('fu-1');
    expect(await poolKey('fu-1', {})).toBe('fu-1');
  });

  it('is the same for the same parameters in any order, and safe as a subject token', async () => {
    const key = await poolKey('fu-1', { lang: 'deu', dpi: 300 });
    expect(key).toMatch(/^fu-1-[0-9a-f]{16}$/);
    expect(await poolKey('fu-1', { dpi: 300, lang: 'deu' })).toBe(key);
  });

  it('differs by function, name, value and type', async () => {
    const keys = await Promise.all([
      poolKey('fu-1', { a: 1 }),
      poolKey('fu-2', { a: 1 }),
      poolKey('fu-1', { b: 1 }),
      poolKey('fu-1', { a: 2 }),
      poolKey('fu-1', { a: '1' }),
      poolKey('fu-1', { a: true }),
      poolKey('fu-1', { a: new Uint8Array([1]) }),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('class parameters', () => {
  const lang = spec('lang', { type: 'string' }, { defaultValue: 'eng' });
  const pages = spec('pages', { type: 'integer' });

  it('get their defaults, so that leaving one out and passing it mean the same', () => {
    expect(completeParameters('Ocr', [lang, pages], { pages: 2 })).toEqual({ lang: 'eng', pages: 2 });
    expect(completeParameters('Ocr', [lang, pages], { pages: 2, lang: 'eng' })).toEqual({
      lang: 'eng',
      pages: 2,
    });
  });

  it('that are optional may be left out', () => {
    expect(completeParameters('Ocr', [spec('x', { type: 'string' }, { optional: true })], {})).toEqual({});
  });

  it('that are unknown or missing are refused by name', () => {
    expect(() => completeParameters('Ocr', [lang], { language: 'deu' })).toThrow(
      'has no parameter "language"',
    );
    expect(() => completeParameters('Ocr', [pages], {})).toThrow('class "Ocr" needs the parameter "pages"');
  });

  const accepted: [TypeSpec, string | number | bigint | boolean | Uint8Array][] = [
    [{ type: 'string' }, ''],
    [{ type: 'integer' }, -3],
    [{ type: 'integer' }, 2n ** 60n],
    [{ type: 'number' }, 1.5],
    [{ type: 'bigint' }, 5n],
    [{ type: 'boolean' }, false],
    [{ type: 'bytes' }, new Uint8Array([1])],
    [{ type: 'enum', values: ['a', 2] }, 2],
  ];
  it.each(accepted)('of type %j accept %s', (type, value) => {
    expect(completeParameters('C', [spec('p', type)], { p: value })).toEqual({ p: value });
  });

  const refused: [TypeSpec, unknown][] = [
    [{ type: 'string' }, 5],
    [{ type: 'integer' }, 1.5],
    [{ type: 'integer' }, '3'],
    [{ type: 'number' }, '1'],
    [{ type: 'bigint' }, 5],
    [{ type: 'boolean' }, 1],
    [{ type: 'bytes' }, 'AQ=='],
    [{ type: 'enum', values: ['a'] }, 'b'],
    [{ type: 'date' }, new Date()],
  ];
  it.each(refused)('of type %j refuse %s: nothing is converted', (type, value) => {
    expect(() => completeParameters('C', [spec('p', type)], { p: value })).toThrow(InvalidError);
  });

  it('that are equal mean one pool, however they are written', () => {
    const specs = [pages, spec('ratio', { type: 'number' })];
    const complete = [
      { pages: 3n, ratio: -0 },
      { pages: 3, ratio: 0 },
    ].map((given) => completeParameters('Ocr', specs, given));
    expect(complete[0]).toStrictEqual(complete[1]);
  });

  it('above 16 KiB in all are refused', () => {
    const big = spec('big', { type: 'string' });
    expect(() => completeParameters('C', [big], { big: 'x'.repeat(16_000) })).not.toThrow();
    expect(() => completeParameters('C', [big], { big: 'x'.repeat(17_000) })).toThrow('exceed 16 KiB');
  });
});

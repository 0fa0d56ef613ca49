import type { ParameterSpec } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { parseFlags } from './flags.ts';
import { planFlags } from './object-flags.ts';

const number = (name: string, more: Partial<ParameterSpec> = {}): ParameterSpec => ({
  name,
  type: { type: 'number' },
  optional: false,
  ...more,
});

const object = (fields: ParameterSpec[], more: Partial<ParameterSpec> = {}): ParameterSpec => ({
  name: 'opts',
  type: { type: 'object', fields },
  optional: false,
  ...more,
});

function argsFor(params: ParameterSpec[], argv: string[], classParams: ParameterSpec[] = []): unknown[] {
  const plan = planFlags(classParams, params);
  return plan.toArgs(parseFlags(plan.params, argv).args);
}

describe('the flags of a target', () => {
  test('are the fields of its parameter when that is one object', () => {
    const opts = object([number('count'), number('scale', { optional: true })]);

    expect(argsFor([opts], ['--count', '3'])).toEqual([{ count: 3 }]);
    expect(argsFor([opts], ['--count', '3', '--scale', '2'])).toEqual([{ count: 3, scale: 2 }]);
    expect(() => argsFor([opts], [])).toThrow('--count is missing');
  });

  test('leave out an optional object, or complete its default', () => {
    const opts = object([number('count'), number('scale', { optional: true })], {
      optional: true,
      defaultValue: { count: 4 },
    });

    expect(argsFor([opts], [])).toEqual([undefined]);
    expect(argsFor([opts], ['--scale', '2'])).toEqual([{ count: 4, scale: 2 }]);
  });

  test('are needed together where the object is optional', () => {
    const opts = object([number('count'), number('scale', { optional: true })], { optional: true });

    expect(argsFor([opts], ['--count', '1'])).toEqual([{ count: 1 }]);
    expect(() => argsFor([opts], ['--scale', '2'])).toThrow('--count is missing');
  });

  test('come after those of the class', () => {
    expect(argsFor([object([number('count')])], ['--count', '1', '--size', '9'], [number('size')])).toEqual([
      9,
      { count: 1 },
    ]);
  });

  test.each<[string, ParameterSpec[], ParameterSpec[]]>([
    ['it has another parameter', [object([number('count')]), number('n', { optional: true })], []],
    ['its fields are not known', [object([])], []],
    [
      'a class parameter has the name of a field',
      [object([number('count')])],
      [number('count', { optional: true })],
    ],
  ])('take an object as JSON where %s', (_where, params, classParams) => {
    expect(argsFor(params, ['--opts', '{"count":2}'], classParams)).toContainEqual({ count: 2 });
  });
});

import type { ParameterSpec, TypeSpec } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { UsageError } from '../usage-error.ts';
import { flagsHelp } from './flags-help.ts';
import { flagName, parseFlags } from './flags.ts';

function param(
  name: string,
  type: TypeSpec | 'string' | 'integer' | 'number' | 'boolean',
  more: Partial<ParameterSpec> = {},
): ParameterSpec {
  return { name, type: typeof type === 'string' ? { type } : type, optional: false, ...more };
}

describe('parseFlags', () => {
  test('reads each flag by the type of its parameter', () => {
    const params = [
      param('n', 'integer'),
      param('loud', 'boolean'),
      param('factor', 'number'),
      param('tone', { type: 'enum', values: ['warm', 'cool', 3] }),
      param('maxItems', { type: 'bigint' }),
      param('since', { type: 'date' }),
      param('filter', { type: 'object', fields: [] }),
    ];
    const argv =
      '--n 5 --no-loud --factor=1.5 --tone 3 --max-items 12 --since 2026-03-14 --filter {"a":1}'.split(' ');

    expect(parseFlags(params, argv).args).toEqual([5, false, 1.5, 3, 12n, new Date('2026-03-14'), { a: 1 }]);
  });

  test('collects a repeated flag into an array', () => {
    const tags = param('tag', { type: 'array', items: { type: 'string' } });

    expect(parseFlags([tags], ['--tag', 'a', '--tag=b']).args).toEqual([['a', 'b']]);
  });

  test('leaves out what has a default or is optional', () => {
    const params = [
      param('n', 'integer', { optional: true, defaultValue: 10 }),
      param('name', 'string', { optional: true }),
    ];

    expect(parseFlags(params, ['--name', 'x']).args).toEqual([undefined, 'x']);
  });

  test('passes words on as they are when there is a rest parameter', () => {
    const rest = param('words', { type: 'array', items: { type: 'string' } }, { rest: true });

    expect(parseFlags([rest], ['--n', '5', 'x', '--help']).args).toEqual(['--n', '5', 'x', '--help']);
  });

  test('takes a negative number for a value', () => {
    expect(parseFlags([param('n', 'integer')], ['--n', '-3']).args).toEqual([-3]);
  });

  test('sees --help anywhere', () => {
    expect(parseFlags([param('n', 'integer')], ['--n', '1', '--help']).help).toBe(true);
  });

  test.each<[string[], string]>([
    [[], '--n is missing'],
    [['--n'], '--n needs a value'],
    [['--n', 'five'], '--n must be a whole number, not "five"'],
    [['--n', '1.5'], '--n must be a whole number'],
    [['--n', '1', '--n', '2'], '--n is given twice'],
    [['--m', '1'], 'unknown flag "--m"'],
    [['--no-n'], 'unknown flag "--no-n"'],
    [['5'], '"5" is not a flag'],
    [['--n', '1', '--loud=maybe'], '--loud must be true or false'],
    [['--n', '1', '--tone', 'hot'], '--tone must be one of warm, cool'],
    [['--n', '1', '--since', 'tomorrow'], '--since must be a date'],
  ])('refuses %j', (argv, message) => {
    const params = [
      param('n', 'integer'),
      param('loud', 'boolean', { optional: true }),
      param('tone', { type: 'enum', values: ['warm', 'cool'] }, { optional: true }),
      param('since', { type: 'date' }, { optional: true }),
    ];

    expect(() => parseFlags(params, argv)).toThrow(UsageError);
    expect(() => parseFlags(params, argv)).toThrow(message);
  });

  test('names the flags that there are when one is unknown', () => {
    expect(() => parseFlags([param('maxItems', 'integer')], ['--maxitems', '1'])).toThrow(
      expect.objectContaining({ hint: 'Flags: --max-items.' }),
    );
  });
});

test.each([
  ['maxInputs', 'max-inputs'],
  ['n', 'n'],
  ['file_name', 'file-name'],
  ['level2Cache', 'level2-cache'],
])('parameter "%s" is the flag "--%s"', (parameter, flag) => {
  expect(flagName(parameter)).toBe(flag);
});

describe('flagsHelp', () => {
  test('shows type, description and default of each flag', () => {
    const params = [
      param('n', 'integer', { optional: true, defaultValue: 10, doc: 'How many.' }),
      param('loud', 'boolean'),
      param('tone', { type: 'enum', values: ['warm', 'cool'] }, { optional: true }),
    ];

    expect(flagsHelp('app.ts::main', 'Shows things.', params)).toEqual([
      'Usage: gantry run app.ts::main [flags]',
      '',
      'Shows things.',
      '',
      'Flags:',
      '  --n <integer>       How many. (default: 10)',
      '  --loud, --no-loud   (required)',
      '  --tone <warm|cool>',
    ]);
  });

  test('says so when there are none', () => {
    expect(flagsHelp('app.ts::main', undefined, []).at(-1)).toBe('It takes no flags.');
  });
});

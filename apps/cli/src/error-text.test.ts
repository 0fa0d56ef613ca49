import { expect, test } from 'vitest';

import { errorText } from './error-text.ts';

function error(message: string, options?: ErrorOptions): Error {
  return Object.assign(new Error(message, options), { stack: `Error: ${message}\n    at ${message}.ts:1` });
}

test('an error is shown with its causes', () => {
  const text = errorText(error('outer', { cause: error('inner', { cause: 'no error' }) }));
  expect(text).toBe('Error: outer\n    at outer.ts:1\ncaused by Error: inner\n    at inner.ts:1');
});

test('an error that brings others together shows them, and then its cause', () => {
  const many = new AggregateError([error('one'), 'no error', error('two')], 'many', { cause: error('why') });
  many.stack = 'AggregateError: many';
  const lines = errorText(many)
    .split('\n')
    .filter((line) => !line.startsWith('    '));
  expect(lines).toEqual([
    'AggregateError: many',
    'one of them: Error: one',
    'one of them: Error: two',
    'caused by Error: why',
  ]);
});

test('an error that is its own cause, or has endless ones, comes to an end', () => {
  const own = error('own');
  own.cause = own;
  expect(errorText(own)).toBe(own.stack);
  let deep = error('0');
  for (let depth = 1; depth < 10_000; depth++) deep = error(String(depth), { cause: deep });
  expect(errorText(deep).match(/caused by/g)).toHaveLength(49);
});

test('an error without a stack is shown by its name and message', () => {
  const bare = new TypeError('bare');
  delete bare.stack;
  expect(errorText(bare)).toBe('TypeError: bare');
});

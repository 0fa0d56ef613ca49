import { expect, test } from 'vitest';

import { digestOf, newResultToken, resultTokenIn, withResultToken } from './result-address.ts';

test('a result is at the address of its request, with a token that cannot be guessed', () => {
  const token = newResultToken();
  expect(token).toMatch(/^[\w-]{32}$/);
  expect(newResultToken()).not.toBe(token);
  expect(withResultToken('/a', token)).toBe(`/a?__gantry_result=${token}`);
  expect(withResultToken('/a?b=1', token)).toBe(`/a?b=1&__gantry_result=${token}`);
  for (const target of ['/', '/a?b=1', '/?x']) {
    expect(resultTokenIn(withResultToken(target, token))).toBe(token);
    expect(resultTokenIn(target)).toBeUndefined();
  }
});

test('what only looks like a token asks for no result', () => {
  for (const target of [
    '/__gantry_result',
    '/?__gantry_result=',
    '/?__gantry_result=short',
    '/?x__gantry_result=a',
  ]) {
    expect(resultTokenIn(target)).toBeUndefined();
  }
});

test('the registry knows a digest alone', () => {
  expect(digestOf('a')).toMatch(/^[0-9a-f]{64}$/);
});

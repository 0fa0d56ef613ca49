import { expect, test } from 'vitest';

import { knownClass, registerErrorClass, travelName } from './known-classes.ts';

const DECLARED = Symbol.for('gantry.errorClasses');

function declare(...classes: unknown[]): void {
  const globals = globalThis as { [DECLARED]?: unknown[] };
  (globals[DECLARED] ??= []).push(...classes);
}

test('an error class that a built module declares is known by its own name', () => {
  class LateError extends Error {}
  expect(knownClass('LateError')).toBeUndefined();
  declare(LateError);
  expect(knownClass('LateError')).toBe(LateError);
  expect(travelName(LateError)).toBe('LateError');
});

test('a declared class does not replace one that was registered, nor take a second name', () => {
  class CardError extends Error {}
  const other = { CardError: class CardError extends Error {} };
  registerErrorClass('CardError', CardError);
  registerErrorClass('shop.Declined', other.CardError);
  declare(other.CardError);
  expect(knownClass('CardError')).toBe(CardError);
  expect(travelName(other.CardError)).toBe('shop.Declined');
});

test('what is declared and is no error is left out', () => {
  class Impostor {}
  declare(Impostor);
  expect(knownClass('Impostor')).toBeUndefined();
});

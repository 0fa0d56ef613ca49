import ts from 'typescript';
import { describe, expect, test } from 'vitest';

import { findErrorClasses } from './error-classes.ts';
import { injectSites } from './site-injection.ts';

function parse(text: string): ts.SourceFile {
  return ts.createSourceFile('a.ts', text, ts.ScriptTarget.ESNext, true);
}

describe('findErrorClasses', () => {
  test('finds top-level classes that extend an error, directly or through another class of the file', () => {
    const text = `
      export class PaymentError extends Error {}
      class Declined extends PaymentError {}
      class Soft extends Declined {}
      class Far extends errors.NetworkException {}
    `;
    expect(findErrorClasses(parse(text)).map(({ name }) => name)).toEqual([
      'PaymentError',
      'Declined',
      'Soft',
      'Far',
    ]);
  });

  test('leaves out other classes, declared ones, and those inside functions', () => {
    const text = `
      class Shop extends Base {}
      class Plain {}
      declare class Outer extends Error {}
      function f() { class Inner extends Error {} }
      export default class extends Error {}
    `;
    expect(findErrorClasses(parse(text))).toEqual([]);
  });
});

test('a class is told of right behind it, before what a module does while it loads', () => {
  const source = parse('export class PaymentError extends Error {}\nawait pay();');
  const injection = { calls: [], errorClasses: findErrorClasses(source), file: 'a.ts' };
  expect(injectSites(source, injection)?.code).toBe(
    'export class PaymentError extends Error {}' +
      ";(globalThis[Symbol.for('gantry.errorClasses')] ??= []).push(PaymentError);\nawait pay();",
  );
  expect(injectSites(source, { ...injection, errorClasses: [] })).toBeUndefined();
});

import ts from 'typescript';
import { expect, test } from 'vitest';

import { findPackageReferences } from './package-references.ts';

function find(text: string): string[] {
  return findPackageReferences(ts.createSourceFile('app.ts', text, ts.ScriptTarget.ESNext, true));
}

test.each([
  ["require.resolve('words/eng.txt')", ['words/eng.txt']],
  ["import.meta.resolve('@data/eng')", ['@data/eng']],
  ["const load = createRequire(import.meta.url); load('words'); load.resolve('more');", ['words', 'more']],
  ["module.createRequire(import.meta.url).resolve('words')", ['words']],
  ["createRequire(import.meta.url)('words')", ['words']],
])('%s names %j', (text, expected) => {
  expect(find(text)).toEqual(expected);
});

test.each([
  "path.resolve('words')",
  "Promise.resolve('words')",
  "require('words')",
  "require.resolve('./beside.txt')",
  "require.resolve('node:fs')",
  "require.resolve('fs')",
  'require.resolve(name)',
])('%s names no package', (text) => {
  expect(find(text)).toEqual([]);
});

import { expect, test } from 'vitest';

import { codeFrame } from './code-frame.ts';

const TEXT = Array.from({ length: 12 }, (_, at) => `line ${at + 1}`).join('\n');

test('shows two lines before and after, and marks the line and its column', () => {
  expect(codeFrame(TEXT, { line: 9, column: 6 })).toEqual([
    '   7 | line 7',
    '   8 | line 8',
    '>  9 | line 9',
    '     |      ^',
    '  10 | line 10',
    '  11 | line 11',
  ]);
});

test('ends where the file ends, and marks a line alone where no column is known', () => {
  expect(codeFrame('only', { line: 1 })).toEqual(['> 1 | only']);
  expect(codeFrame(TEXT, { line: 12 })).toEqual(['  10 | line 10', '  11 | line 11', '> 12 | line 12']);
  expect(codeFrame('one', { line: 40 })).toEqual([]);
});

test('puts the mark below what it means behind tabs, and cuts lines that no screen holds', () => {
  expect(codeFrame('\t\tx();', { line: 1, column: 3 })).toEqual(['> 1 | \t\tx();', '    | \t\t^']);
  const [long = '', ...rest] = codeFrame('x'.repeat(9_000), { line: 1, column: 8_000 });
  expect(long.length).toBeLessThan(180);
  expect(rest).toEqual([]);
});

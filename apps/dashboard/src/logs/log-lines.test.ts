import type { LogEntry } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { addLines, filterLines } from './log-lines.ts';
import { LineSplitter } from './line-splitter.ts';

const entry = (changes: Partial<LogEntry>): LogEntry => ({
  ...{ atMs: 1, text: 'x\n', stream: 'stdout', containerId: 'ta-1', functionName: 'f' },
  ...changes,
});

it('a page keeps the newest five thousand lines, each with a number of its own', () => {
  const lines = addLines(
    addLines([], [entry({ text: 'first' })]),
    Array.from({ length: 5_000 }, () => entry({})),
  );
  expect([lines.length, lines[0]?.number, lines.at(-1)?.number]).toEqual([5_000, 2, 5_001]);
  expect(addLines(lines, [])).toBe(lines);
});

it('lines are found by function, container and text, whatever its case and colours', () => {
  const lines = addLines(
    [],
    [
      entry({ text: 'Out of \u001b[31mMEMory\u001b[0m', functionName: 'big' }),
      entry({ text: 'memory is fine', containerId: 'ta-2' }),
    ],
  );
  const none = { functionName: '', containerId: '', text: '' };
  const found = (filter: Partial<typeof none>) =>
    filterLines(lines, { ...none, ...filter }).map(({ number }) => number);
  expect(filterLines(lines, none)).toBe(lines);
  expect(found({ text: ' of memory ' })).toEqual([1]);
  expect(found({ text: 'memory' })).toEqual([1, 2]);
  expect(found({ text: 'memory', containerId: 'ta-2' })).toEqual([2]);
  expect(found({ functionName: 'big', text: 'fine' })).toEqual([]);
});

it('a stream in pieces is lines again', () => {
  const splitter = new LineSplitter();
  expect(splitter.add('one\ntw')).toEqual(['one']);
  expect(splitter.add('o')).toEqual([]);
  expect(splitter.add('\n\nthree')).toEqual(['two', '']);
});

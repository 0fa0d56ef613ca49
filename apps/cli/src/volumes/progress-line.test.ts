import { expect, it } from 'vitest';

import { progressLine } from './progress-line.ts';

it('shows how much of a transfer is done, how fast it is, and how long it takes yet', () => {
  const progress = { doneBytes: 25_000_000, totalBytes: 100_000_000, doneFiles: 1, totalFiles: 4 };
  expect(progressLine(progress, 1_000)).toBe(
    '██████░░░░░░░░░░░░░░░░░░  25.0 MB of 100.0 MB  1 of 4 files  25.0 MB/s  3.0 s left',
  );
});

it('says nothing about what it cannot know yet', () => {
  const progress = { doneBytes: 0, totalBytes: 0, doneFiles: 0, totalFiles: 1 };
  expect(progressLine(progress, 0)).toBe('░░░░░░░░░░░░░░░░░░░░░░░░  0 B of 0 B  0 B/s');
});

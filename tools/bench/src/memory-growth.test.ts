import { expect, test } from 'vitest';

import { memoryGrowth } from './memory-growth.ts';

const rounds = [
  { startedAtMs: 0, endedAtMs: 10 },
  { startedAtMs: 10, endedAtMs: 20 },
  { startedAtMs: 21, endedAtMs: 30 },
];

function series(...residentMiB: [atMs: number, MiB: number][]) {
  return { name: 'server', samples: residentMiB.map(([atMs, MiB]) => ({ atMs, residentMiB: MiB })) };
}

test('growth is the peak of the last round over that of the round before', () => {
  const [growth] = memoryGrowth([series([5, 900], [11, 100], [15, 200], [22, 220], [29, 150])], rounds);
  expect(growth).toEqual({ name: 'server', beforeMiB: 200, afterMiB: 220, ratio: 1.1 });
});

test('a process that was not there in both rounds does not count', () => {
  expect(memoryGrowth([series([11, 100])], rounds)).toEqual([]);
});

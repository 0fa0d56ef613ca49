import type { LogEntry } from '@gantry/protocol';
import { expect, it } from 'vitest';

import { LogPlace } from './log-place.ts';

const entry = (atMs: number, text: string): LogEntry => ({
  ...{ atMs, text, stream: 'stdout', containerId: 'ta-1', functionName: 'f' },
});

it('a log that is read again goes on behind what was told', () => {
  const place = new LogPlace(0);
  const [first, second, third] = [entry(1, 'a'), entry(2, 'b'), entry(2, 'c')];
  expect(place.take([first, second])).toEqual([first, second]);
  expect(place.sinceMs).toBe(2);

  place.resume();

  expect(place.take([second, third])).toEqual([third]);
});

it('equal lines of one instant are all told, and none of them twice', () => {
  const place = new LogPlace(0);
  const line = entry(5, 'same');
  expect(place.take([line, line])).toHaveLength(2);
  place.resume();
  expect(place.take([line, line, line])).toHaveLength(1);
  expect(place.take([line])).toHaveLength(1);
});

it('lines of before that come late are told', () => {
  const place = new LogPlace(0);
  place.take([entry(9, 'new')]);
  expect(place.take([entry(7, 'late')])).toHaveLength(1);
  expect(place.sinceMs).toBe(9);
});

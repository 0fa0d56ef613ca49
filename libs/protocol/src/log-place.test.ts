import { expect, it } from 'vitest';

import { LogPlace } from './log-place.ts';
import type { LogEntry } from './platform-messages.ts';

const take = (place: LogPlace, entries: LogEntry[]): LogEntry[] =>
  entries.filter((each) => place.isNew(each));
const entry = (position: number, text: string): LogEntry => ({
  ...{ atMs: 1, text, stream: 'stdout', containerId: 'ta-1', functionName: 'f', position },
});

it('a log that is read again goes on behind what was told', () => {
  const place = new LogPlace();
  expect(place.resume()).toBeUndefined();
  const [first, second, third] = [entry(1, 'a'), entry(2, 'b'), entry(2, 'c')];
  expect(take(place, [first, second])).toEqual([first, second]);

  expect(place.resume()).toBe(2);

  expect(take(place, [second, third, entry(3, 'd')])).toEqual([third, entry(3, 'd')]);
});

it('equal lines that were written together are all told, and none of them twice', () => {
  const place = new LogPlace();
  const line = entry(5, 'same');
  expect(take(place, [line, line])).toHaveLength(2);
  place.resume();
  expect(take(place, [line])).toHaveLength(0);
  place.resume();
  expect(take(place, [line, line, line])).toHaveLength(1);
});

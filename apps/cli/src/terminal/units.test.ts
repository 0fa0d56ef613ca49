import { expect, test } from 'vitest';

import { plural, toAge, toDuration, toSize } from './units.ts';

test.each([
  [1_000, 'just now'],
  [12_000, '12 s ago'],
  [180_000, '3 min ago'],
  [7_200_000, '2 h ago'],
  [5 * 86_400_000, '5 d ago'],
  [-500, 'just now'],
])('an age of %d ms is "%s"', (ageMs, text) => {
  expect(toAge(1_000_000_000 - ageMs, 1_000_000_000)).toBe(text);
});

test('durations below a second are in milliseconds', () => {
  expect(toDuration(640.4)).toBe('640 ms');
  expect(toDuration(1440)).toBe('1.4 s');
});

test('sizes use the largest fitting unit', () => {
  const sizes = [812, 12_400, 3_100_000, 80_200_000_000].map(toSize);

  expect(sizes).toEqual(['812 B', '12.4 KB', '3.1 MB', '80.2 GB']);
});

test('one has no plural', () => {
  expect([plural(1, 'file'), plural(0, 'file')]).toEqual(['1 file', '0 files']);
});

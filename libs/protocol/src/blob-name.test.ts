import { expect, test } from 'vitest';

import { dayOf, parseBlobName, valueName } from './blob-name.ts';

const DIGEST = `sha256-${'0af'.repeat(21)}0`;

test('the name of a value says its day and its digest', () => {
  const name = valueName(DIGEST, Date.UTC(2025, 0, 2, 23, 59));

  expect(name).toBe(`d20090-${DIGEST}`);
  expect(parseBlobName(name)).toEqual({ digest: DIGEST, day: dayOf(Date.UTC(2025, 0, 2)) });
});

test('a digest alone is the name of what is kept', () => {
  expect(parseBlobName(DIGEST)).toEqual({ digest: DIGEST });
});

test.each([
  `d-${DIGEST}`,
  `d1/${DIGEST}`,
  `20090-${DIGEST}`,
  `d20090-../${DIGEST}`,
  `d20090-`,
  `${DIGEST}0`,
  '',
])('"%s" is no name', (name) => expect(parseBlobName(name)).toBeUndefined());

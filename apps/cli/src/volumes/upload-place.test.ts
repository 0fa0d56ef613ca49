import { expect, it } from 'vitest';

import { directoryPlace } from './upload-place.ts';

it.each([
  ['logs', '/', '/logs'],
  ['./logs/', '/old/', '/old/logs'],
  ['/srv/logs', '/', '/logs'],
  ['logs', '/new', '/new'],
  ['logs/.', '/', '/'],
  ['.', '/', '/'],
  ['.', '/old/', '/old/'],
  ['..', '/', '/'],
])('the directory "%s" is put to "%s" as "%s"', (local, remote, place) => {
  expect(directoryPlace(local, remote)).toBe(place);
});

import { expect, test } from 'vitest';
import { coversAll } from './packages.mjs';

const WANTED = {
  '': { version: '0.1.0' },
  'libs/sdk': { version: '0.1.0' },
  'node_modules/ws': { version: '8.23.0' },
  'node_modules/binding-of-another-system': { version: '1.0.0', optional: true },
};

test('packages are installed when each has its version; the workspace itself and optional ones do not count', () => {
  expect(coversAll(WANTED, { 'node_modules/ws': { version: '8.23.0' } })).toBe(true);
});

test.each([
  ['missing', {}],
  ['of another version', { 'node_modules/ws': { version: '8.22.0' } }],
])('packages are not installed when one is %s', (_, installed) => {
  expect(coversAll(WANTED, installed)).toBe(false);
});

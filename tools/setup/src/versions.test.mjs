import { expect, test } from 'vitest';
import { compareVersions } from './versions.mjs';

test.each([
  ['v24.21.0', '22.12.0', 1],
  ['22.12.0', '22.12.0', 0],
  ['20.19.5', '22.12.0', -1],
  ['2.9.25', '2.11.0', -1],
  ['nats-server: v2.15.2\n', '2.15.1', 1],
  ['2.15', '2.15.0', 0],
  ['no version', '0.0.1', -1],
])('%j compared with %j has the sign %i', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign);
});

import { createRequire } from 'node:module';

import { isNativeAccelerationEnabled } from 'cbor-x/encode';
import { expect, test } from 'vitest';

import { decodeFrame, encodeFrame } from './codec.ts';

test('the native helper of the codec is looked for when something large is decoded, and not before', async () => {
  expect(decodeFrame(encodeFrame(['small']))).toEqual(['small']);
  expect(isNativeAccelerationEnabled).toBe(false);
  const large = Array.from({ length: 1_000 }, (_, index) => `text number ${index}, ä`.repeat(3));
  expect(decodeFrame(encodeFrame(large))).toEqual(large);
  await expect.poll(() => isNativeAccelerationEnabled, { timeout: 20_000 }).toBe(isInstalled());
  expect(decodeFrame(encodeFrame(large))).toEqual(large);
});

/** It is an optional dependency, for some systems only. */
function isInstalled(): boolean {
  try {
    createRequire(import.meta.resolve('cbor-x'))('cbor-extract');
    return true;
  } catch {
    return false;
  }
}

import { expect, test } from 'vitest';

import { InvalidError } from './errors.ts';
import { formatGpu, isGpuConfig, parseGpuConfig } from './gpu.ts';

test.each([
  ['h100', 'H100', 1],
  ['H100:2', 'H100', 2],
  ['a100-80gb:8', 'A100-80GB', 8],
  [' any ', 'ANY', 1],
  ['brand-new-9000:1', 'BRAND-NEW-9000', 1],
])('%j is a request for %s, %i of them', (text, type, count) => {
  expect(parseGpuConfig(text)).toEqual({ type, count });
});

test.each(['', 'H100:0', 'H100:9', 'H100:x', 'H100:', ':2', 'two words', 7, null])(
  '%j is no request for GPUs',
  (text) => {
    expect(() => parseGpuConfig(text as string)).toThrow(InvalidError);
  },
);

test('a manifest writes a request in one way', () => {
  expect(formatGpu(parseGpuConfig('t4:1'))).toBe('T4');
  expect(formatGpu(parseGpuConfig('t4:3'))).toBe('T4:3');
  expect(['T4', 'T4:3'].map(isGpuConfig)).toEqual([true, true]);
  expect(['t4', 'T4:1', 'T4:9', 4].map(isGpuConfig)).toEqual([false, false, false, false]);
});

import { expect, it } from 'vitest';

import { quickResult } from './durable-publisher.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

it('reads acknowledgements without a JSON parser, and leaves everything else to one', () => {
  expect(quickResult(bytes('{"stream":"GANTRY_INPUTS","seq":1}'))).toBe('stored');
  expect(quickResult(bytes('{"stream":"GANTRY_INPUTS", "domain":"hub", "seq":12}'))).toBe('stored');
  expect(quickResult(bytes('{"stream":"GANTRY_INPUTS","seq":1,"duplicate": true}'))).toBe('duplicate');
  expect(
    quickResult(bytes('{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}')),
  ).toBe(undefined);
  expect(quickResult(bytes('{"type":"x","error":{"code":503}}'))).toBe(undefined);
  expect(quickResult(new Uint8Array())).toBe(undefined);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { canonical, imageId, type ImageState, stepKey } from './cache-key.ts';

const state = (diffIds: string[], env: Record<string, string> = {}): ImageState => ({
  layers: diffIds.map((diffId) => ({ digest: `compressed-${diffId}`, sizeBytes: 1, diffId })),
  config: { env },
});

describe('the key of a step', () => {
  it('differs with what lies below and with what is done, and with nothing else', async () => {
    const below = fc.array(fc.string(), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(below, below, fc.string(), fc.string(), async (layers, others, one, two) => {
        const isSame = JSON.stringify([layers, one]) === JSON.stringify([others, two]);
        const keys = [await stepKey(state(layers), one), await stepKey(state(others), two)];
        expect(keys[0] === keys[1]).toBe(isSame);
        expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
    expect(await stepKey(undefined, 'a')).not.toBe(await stepKey(state([]), 'a'));
  });
});

describe('the id of an image', () => {
  it('is that of its content', async () => {
    const id = await imageId(state(['a', 'b'], { A: '1', B: '2' }));
    expect(id).toMatch(/^im-[0-9A-Za-z]{22}$/);
    expect(await imageId(state(['a', 'b'], { B: '2', A: '1' }))).toBe(id);
    expect(await imageId(state(['b', 'a'], { A: '1', B: '2' }))).not.toBe(id);
    expect(await imageId(state(['a', 'b'], { A: '1' }))).not.toBe(id);
  });
});

describe('canonical JSON', () => {
  it('knows neither the order of properties nor those that are undefined', () => {
    expect(canonical({ b: 1, a: { d: undefined, c: [2, { f: 1, e: 2 }] } })).toBe(
      '{"a":{"c":[2,{"e":2,"f":1}]},"b":1}',
    );
  });
});

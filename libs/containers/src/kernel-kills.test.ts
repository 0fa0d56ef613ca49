import { describe, expect, it } from 'vitest';

import { KernelKills } from './kernel-kills.ts';

function countedBy(start: number | undefined) {
  const counter = { value: start };
  const kills = new KernelKills(() => counter.value);
  kills.close();
  return { counter, kills };
}

describe("the kernel's kills", () => {
  it('explain one death each', () => {
    const { counter, kills } = countedBy(7);
    expect(kills.claim()).toBe(false);
    counter.value = 9;
    expect([kills.claim(), kills.claim(), kills.claim()]).toEqual([true, true, false]);
  });

  it('explain a death in the next sample, and none after it', () => {
    const { counter, kills } = countedBy(0);
    counter.value = 1;
    kills.sample();
    expect(kills.claim()).toBe(true);
    counter.value = 2;
    kills.sample();
    kills.sample();
    expect(kills.claim()).toBe(false);
  });

  it('explain nothing where nothing is counted', () => {
    expect(countedBy(undefined).kills.claim()).toBe(false);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { simulatePreemption } from './context.ts';
import { FakeHost } from './fake-host.fixture.ts';

let host: FakeHost;

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost().install();
});
afterEach(() => {
  host.uninstall();
  vi.useRealTimers();
});

describe('simulatePreemption', () => {
  it('has the container preempted once waitMs and at most jitterMs more have passed', () => {
    simulatePreemption(5_000, 1_000);
    vi.advanceTimersByTime(4_999);
    expect(host.preemptionRequests).toBe(0);
    vi.advanceTimersByTime(1_001);
    expect(host.preemptionRequests).toBe(1);
  });

  it.each([
    ['a negative time', () => simulatePreemption(-1)],
    ['no number', () => simulatePreemption('5' as never)],
    ['a negative jitter', () => simulatePreemption(0, -1)],
    ['an endless time', () => simulatePreemption(Infinity)],
  ])('refuses %s', (_, call) => {
    expect(call).toThrow(/must be from 0 to 86400000 milliseconds/);
  });

  it('does nothing outside containers', () => {
    host.uninstall();
    simulatePreemption(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

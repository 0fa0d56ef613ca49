import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { App } from './app.ts';
import { interact, simulatePreemption } from './context.ts';
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

describe('interact', () => {
  const input = { inputId: 'in-1', callId: 'fc-1', signal: new AbortController().signal };

  it('asks for the terminal of the run, in an input of an interactive one', async () => {
    Object.assign(host, { interactive: true, current: input });
    await interact();
    expect(host.interactions).toBe(1);
    expect(new App('a').isInteractive).toBe(true);
  });

  it.each([
    ['an app that is not run in interactive mode', { current: input }, 'in interactive mode'],
    ['a hook', { interactive: true }, 'outside of an input'],
  ])('is refused in %s', async (_, state, message) => {
    Object.assign(host, state);
    await expect(interact()).rejects.toThrow(message);
    expect(host.interactions).toBe(0);
  });

  it('has nothing to do outside of containers', async () => {
    host.uninstall();
    await interact();
    expect(new App('a').isInteractive).toBe(false);
  });
});

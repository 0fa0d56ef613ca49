import { ResourceExhaustedError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { SharedRateLimit } from './rate-limit.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Processes that hear each other. */
function processes(count: number, perSecond: number): SharedRateLimit[] {
  const listeners = new Set<(message: unknown) => void>();
  const messaging = {
    publish: (_subject: string, message: unknown) => listeners.forEach((listener) => listener(message)),
    subscribe: <T>(subject: string, listener: (message: T, subject: string) => void) => {
      const hear = (message: unknown): void => listener(message as T, subject);
      listeners.add(hear);
      return { stop: () => void listeners.delete(hear) };
    },
  };
  return Array.from({ length: count }, () => new SharedRateLimit({ messaging, perSecond }));
}

/** How many operations are admitted, one by one, of as many as there are. */
function admitted(limit: SharedRateLimit, operations: number): number {
  for (let count = 0; count < operations; count++) {
    try {
      limit.admit(1);
    } catch {
      return count;
    }
  }
  return operations;
}

function failureOf(limit: SharedRateLimit, operations: number): unknown {
  try {
    limit.admit(operations);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a rate limit', () => {
  it('admits five seconds’ worth at once, and then as many as the rate', async () => {
    const [limit] = processes(1, 200) as [SharedRateLimit];
    expect(admitted(limit, 2_000)).toBe(1_000);
    await vi.advanceTimersByTimeAsync(500);
    expect(admitted(limit, 2_000)).toBe(100);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(admitted(limit, 2_000)).toBe(1_000);
  });

  it('says when to come again', async () => {
    const [limit] = processes(1, 10) as [SharedRateLimit];
    limit.admit(50);
    const error = failureOf(limit, 20);
    expect(error).toBeInstanceOf(ResourceExhaustedError);
    expect(error).toMatchObject({ details: { retryAfterMs: 2_000 } });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(failureOf(limit, 20)).toBeUndefined();
  });

  it('admits what is larger than its bucket when that is full, and has it paid off', async () => {
    const [limit] = processes(1, 10) as [SharedRateLimit];
    limit.admit(100);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(admitted(limit, 1)).toBe(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(admitted(limit, 10)).toBe(2);
  });

  it('holds for all processes together over time', async () => {
    const limits = processes(3, 100);
    let sum = 0;
    for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += 50) {
      for (const limit of limits) sum += admitted(limit, 1_000);
      await vi.advanceTimersByTimeAsync(50);
    }
    // The first burst comes from the buckets of all three, which the others then pay off.
    expect(sum).toBeGreaterThan(60 * 100 * 0.9);
    expect(sum).toBeLessThanOrEqual(60 * 100 + 3 * 500);
  });

  it('is not charged for what it told the others', async () => {
    const [limit, other] = processes(2, 100) as [SharedRateLimit, SharedRateLimit];
    limit.admit(300);
    await vi.advanceTimersByTimeAsync(250);
    expect(admitted(limit, 500)).toBe(225);
    expect(admitted(other, 500)).toBe(200);
  });
});

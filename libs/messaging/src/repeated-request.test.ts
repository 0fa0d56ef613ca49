import { errors } from '@nats-io/transport-node';
import { describe, expect, it, vi } from 'vitest';

import { repeatRequest } from './repeated-request.ts';

class Reconnects {
  readonly listeners = new Set<() => void>();

  onReconnect(listener: () => void): { stop(): void } {
    this.listeners.add(listener);
    return { stop: () => void this.listeners.delete(listener) };
  }

  fire(): void {
    for (const listener of this.listeners) listener();
  }
}

describe('a repeated request', () => {
  it('is sent again at once after a reconnect, and tells the first try that nobody waits for it', async () => {
    const link = new Reconnects();
    const tries: { number: number; isAbandoned: boolean }[] = [];
    const answer = repeatRequest({ what: 'x', link }, (attempt) => {
      tries.push(attempt);
      return attempt.number === 0 ? new Promise<string>(() => undefined) : Promise.resolve('answer');
    });
    link.fire();
    expect(await answer).toBe('answer');
    expect(tries.map(({ number, isAbandoned }) => [number, isAbandoned])).toEqual([
      [0, true],
      [1, false],
    ]);
    expect(link.listeners.size).toBe(0);
  });

  it('is sent again after a timeout', async () => {
    vi.useFakeTimers();
    const answer = repeatRequest({ what: 'x', link: new Reconnects() }, async ({ number }) => {
      if (number < 3) throw new errors.TimeoutError();
      return number;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toBe(3);
    vi.useRealTimers();
  });

  it('fails at once with an error that time does not heal', async () => {
    const request = vi.fn(() => Promise.reject(new Error('no such bucket')));
    await expect(repeatRequest({ what: 'x', link: new Reconnects() }, request)).rejects.toThrow(
      'no such bucket',
    );
    expect(request).toHaveBeenCalledTimes(1);
  });

  it('is given up after its bound, whether a try is silent or all of them fail', async () => {
    vi.useFakeTimers();
    const link = new Reconnects();
    const silent = repeatRequest({ what: 'key "a"', link }, () => new Promise(() => undefined));
    const failing = repeatRequest({ what: 'key "b"', link }, () => Promise.reject(new errors.TimeoutError()));
    const seen = Promise.allSettled([silent, failing]);
    await vi.advanceTimersByTimeAsync(15_200);
    expect(await seen).toMatchObject([
      { reason: { code: 'TIMED_OUT', message: 'key "a": no answer within 15 s' } },
      { reason: { code: 'TIMED_OUT', message: 'key "b": no answer within 15 s' } },
    ]);
    vi.useRealTimers();
  });
});

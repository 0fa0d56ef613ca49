import { GantryTimeoutError } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';
import { waitUntil } from './wait-until.ts';

describe('waitUntil', () => {
  test('returns the first truthy value', async () => {
    let looks = 0;

    const value = await waitUntil(() => (++looks >= 3 ? `look ${looks}` : undefined), { intervalMs: 0 });

    expect(value).toBe('look 3');
  });

  test('treats an error as not yet, and reports it as the cause when time runs out', async () => {
    const refused = new Error('refused');

    const waiting = waitUntil(() => Promise.reject(refused), { timeoutMs: 0, what: 'an open port' });

    await expect(waiting).rejects.toSatisfy(
      (error) =>
        error instanceof GantryTimeoutError &&
        error.cause === refused &&
        error.message.includes('"an open port"'),
    );
  });
});

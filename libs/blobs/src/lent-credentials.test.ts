import type { LentCredentials } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { untilHalfGone } from './lent-credentials.ts';

const HOUR_MS = 3600 * 1000;

describe('credentials that run out', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => vi.useRealTimers());

  it('are the same for half of their time, and then new ones', async () => {
    let count = 0;
    const lend = untilHalfGone((): Promise<LentCredentials> => {
      const accessKey = String(++count);
      return Promise.resolve({
        ...{ accessKey, secretKey: 's', sessionToken: 't', expiresAtMs: Date.now() + HOUR_MS },
      });
    });
    const keyAfter = async (ms: number): Promise<string> => {
      vi.setSystemTime(Date.now() + ms);
      return (await lend()).accessKey;
    };

    const [first, second] = await Promise.all([lend(), lend()]);
    expect([first.accessKey, second.accessKey]).toEqual(['1', '1']);
    expect(await keyAfter(HOUR_MS / 2 - 1)).toBe('1');
    expect(await keyAfter(1)).toBe('2');
    expect(await keyAfter(HOUR_MS)).toBe('3');
  });

  it('are asked for anew by the next who needs them when there were none', async () => {
    const answers = ['away', 'there'];
    const lend = untilHalfGone(async (): Promise<LentCredentials> => {
      const answer = answers.shift() ?? '';
      if (answer === 'away') throw new Error(answer);
      return { accessKey: answer, secretKey: 's', sessionToken: 't', expiresAtMs: Date.now() + HOUR_MS };
    });

    await expect(lend()).rejects.toThrow('away');
    expect((await lend()).accessKey).toBe('there');
  });
});

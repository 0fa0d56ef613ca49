import { describe, expect, it } from 'vitest';

import { explainEnd } from './explain-end.ts';

const unasked = { askedFor: undefined, ranOutOfMemory: false, mask: (text: string) => text };

describe('the end of a container', () => {
  it('is told apart: heap exhausted, killed by the kernel, killed from outside, ended by itself', () => {
    const killed = { code: null, signal: 'SIGKILL' } as const;
    const aborted = { code: null, signal: 'SIGABRT' } as const;
    expect(
      [
        explainEnd(aborted, { ...unasked, ranOutOfMemory: true }),
        explainEnd({ ...killed, outOfMemory: true }, unasked),
        explainEnd(killed, unasked),
        explainEnd(aborted, unasked),
        explainEnd({ code: 3, signal: null }, unasked),
      ].map(({ reason, message }) => `${reason}: ${message}`),
    ).toEqual([
      'outOfMemory: its JavaScript heap was exhausted',
      'outOfMemory: the kernel killed it because memory was short',
      'crashed: its process was killed from outside: signal SIGKILL',
      'crashed: its process ended by itself: signal SIGABRT',
      'crashed: its process ended by itself: exit code 3',
    ]);
  });

  it('has the reason for which it was asked to end', () => {
    const askedFor = { reason: 'heartbeat', message: 'silent' } as const;
    const end = { code: null, signal: 'SIGKILL' } as const;
    expect(explainEnd(end, { ...unasked, askedFor })).toEqual({ ...askedFor, ...end });
  });
});

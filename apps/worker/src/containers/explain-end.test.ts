import { ContainerError, decodeValue } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { explainEnd } from './explain-end.ts';

const unasked = {
  name: 'scan',
  wasHeard: true,
  askedFor: undefined,
  ranOutOfMemory: false,
  memoryLimitMiB: undefined,
  mask: (text: string) => text,
};

describe('the end of a container', () => {
  it('is told apart: heap exhausted, killed by the kernel, killed from outside, ended by itself', () => {
    const killed = { code: null, signal: 'SIGKILL' } as const;
    const aborted = { code: null, signal: 'SIGABRT' } as const;
    expect(
      [
        explainEnd(aborted, { ...unasked, ranOutOfMemory: true }),
        explainEnd({ ...killed, outOfMemory: true }, unasked),
        explainEnd({ ...killed, outOfMemory: true }, { ...unasked, memoryLimitMiB: 256 }),
        explainEnd(killed, unasked),
        explainEnd(aborted, unasked),
        explainEnd({ code: 3, signal: null }, unasked),
      ].map(({ reason, message }) => `${reason}: ${message}`),
    ).toEqual([
      'outOfMemory: its JavaScript heap was exhausted',
      'outOfMemory: the kernel killed it because memory was short',
      'outOfMemory: the kernel killed it because memory was short: its limit is 256 MiB',
      'crashed: its process was killed from outside: signal SIGKILL',
      'crashed: its process ended by itself: signal SIGABRT',
      'crashed: its process ended by itself: exit code 3',
    ]);
  });

  it('before anything was heard of its runner is about the image, if its code says so', () => {
    const ended = (code: number) => explainEnd({ code, signal: null }, { ...unasked, wasHeard: false });
    for (const [code, hint] of [
      [0, 'exec "$@"'],
      [126, 'C library'],
      [127, 'C library'],
    ] as const) {
      const { reason, message, error } = ended(code);
      expect([reason, message]).toEqual([
        'loadFailed',
        `its image did not start the runner: exit code ${code}`,
      ]);
      const shown = error && decodeValue(error);
      expect(shown).toBeInstanceOf(ContainerError);
      expect(shown).toMatchObject({
        message: `"scan" cannot start: ${message}`,
        hint: expect.stringContaining(hint),
      });
    }
    expect(ended(3).reason).toBe('crashed');
  });

  it('has the reason for which it was asked to end', () => {
    const askedFor = { reason: 'heartbeat', message: 'silent' } as const;
    const end = { code: null, signal: 'SIGKILL' } as const;
    expect(explainEnd(end, { ...unasked, askedFor })).toEqual({ ...askedFor, ...end });
  });
});

import { BuildError } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { makeBasesAhead } from './bases-ahead.ts';

describe('what images begin with', () => {
  const lines: string[] = [];
  const told = async (
    make: (signal: AbortSignal) => Promise<boolean>,
    signal = new AbortController().signal,
  ) => {
    lines.length = 0;
    const note = (line: string) => void lines.push(line);
    await makeBasesAhead({ makeBasesAhead: make }, { signal, note, calmMs: 0 });
    return lines;
  };

  it('is made while the platform runs, which a line says when it is done', async () => {
    expect(await told(async () => true)).toEqual([
      expect.stringMatching(
        /^Made the Debian and the Node that images begin with, once for this machine, in /,
      ),
    ]);
  });

  it('is not spoken of where there is nothing to do', async () => {
    expect(await told(async () => false)).toEqual([]);
  });

  it('that cannot be made is told with what to do, and disturbs nothing', async () => {
    const fail = () => Promise.reject(new BuildError('there is no mmdebstrap', { hint: 'Install it.' }));
    expect(await told(fail)).toEqual([
      'Could not make the Debian and the Node that images begin with ahead: there is no mmdebstrap.',
      'Install it.',
    ]);
  });

  it('is given up without a word when the platform stops', async () => {
    const stop = new AbortController();
    const making = async (signal: AbortSignal) => {
      stop.abort();
      signal.throwIfAborted();
      return true;
    };
    expect(await told(making, stop.signal)).toEqual([]);
  });
});

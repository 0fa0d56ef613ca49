import { InvalidError } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { enableOutput, shownOutput } from './output.ts';

describe('output', () => {
  it('is not shown by default', () => {
    expect(shownOutput()).toBeUndefined();
  });

  it('is shown for as long as the scope lasts, and the inner scope counts', () => {
    {
      using _outer = enableOutput();
      expect(shownOutput()).toEqual({ showProgress: true });
      {
        using _inner = enableOutput({ showProgress: false });
        expect(shownOutput()).toEqual({ showProgress: false });
      }
      expect(shownOutput()).toEqual({ showProgress: true });
    }
    expect(shownOutput()).toBeUndefined();
  });

  it('is shown until a body ends, well or not, now or later', async () => {
    expect(enableOutput(() => shownOutput())).toEqual({ showProgress: true });
    const later = enableOutput({ showProgress: false }, async () => {
      await Promise.resolve();
      return shownOutput();
    });
    expect(await later).toEqual({ showProgress: false });
    await expect(enableOutput(() => Promise.reject(new Error('late')))).rejects.toThrow('late');
    expect(() =>
      enableOutput(() => {
        throw new Error('at once');
      }),
    ).toThrow('at once');
    expect(shownOutput()).toBeUndefined();
  });

  it('has no other options', () => {
    expect(() => enableOutput({ progress: true } as never)).toThrow(InvalidError);
  });
});

import { LIMITS } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { outcomeOfResult } from './result-outcome.ts';

describe('a result', () => {
  it('above 100 MB is refused, with its size and what to do', () => {
    expect(outcomeOfResult(new Uint8Array(LIMITS.payloadBytes + 1))).toMatchObject({
      type: 'failure',
      failure: {
        code: 'REQUEST_TOO_LARGE',
        message: 'a result of 101 MB is above the limit of 100 MB',
        hint: expect.stringContaining('pass its name') as string,
      },
    });
  });

  it('that cannot travel is a failure that names it', () => {
    expect(outcomeOfResult({ callback: () => undefined })).toMatchObject({
      type: 'failure',
      failure: { name: 'SerializationError', message: expect.stringContaining('callback') as string },
    });
  });
});

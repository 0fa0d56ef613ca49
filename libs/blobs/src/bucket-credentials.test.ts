import { describe, expect, it } from 'vitest';

import { bucketCredentials } from './bucket-credentials.ts';

describe('credentials of a bucket', () => {
  it('are those of AWS and of what speaks like it, with region and session where they are said', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };

    expect(bucketCredentials('trips', keys).credentials).toEqual({ accessKey: 'a', secretKey: 'b' });
    expect(bucketCredentials('trips', { ...keys, AWS_SESSION_TOKEN: 'c', AWS_REGION: 'eu-1' })).toEqual({
      credentials: { accessKey: 'a', secretKey: 'b', sessionToken: 'c' },
      region: 'eu-1',
    });
  });

  it('may be those of Google', () => {
    const values = { GOOGLE_ACCESS_KEY_ID: 'a', GOOGLE_ACCESS_KEY_SECRET: 'b' };

    expect(bucketCredentials('trips', values).credentials).toEqual({ accessKey: 'a', secretKey: 'b' });
  });

  it.each([
    [{}, 'access key'],
    [{ AWS_ACCESS_KEY_ID: '' }, 'access key'],
    [{ AWS_ACCESS_KEY_ID: 'a', GOOGLE_ACCESS_KEY_SECRET: 'b' }, 'AWS_SECRET_ACCESS_KEY'],
    [{ AWS_SECRET_ACCESS_KEY: 'b' }, 'AWS_ACCESS_KEY_ID'],
    [{ GOOGLE_ACCESS_KEY_ID: 'a' }, 'GOOGLE_ACCESS_KEY_SECRET'],
  ])('are not in %j, which has no %s', (values, missing) => {
    expect(() => bucketCredentials('trips', values)).toThrow(`has no ${missing}`);
  });
});

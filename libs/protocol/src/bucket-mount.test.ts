import { describe, expect, it } from 'vitest';

import { assertBucketMount } from './bucket-mount.ts';

describe('a bucket that containers have', () => {
  it.each([
    { bucket: 'trips' },
    { bucket: 'trips', roleArn: 'arn:aws:iam::123456789012:role/s3/trips-reader' },
    { bucket: 'trips', roleArn: 'arn:minio:iam:::role/dUmmY_p-0' },
    { bucket: 'my.trips-2', endpoint: 'https://minio.example.com:9000/', keyPrefix: 'raw/year=2024/' },
  ])('may be %j', (mount) => {
    expect(() => assertBucketMount(mount)).not.toThrow();
  });

  it.each([
    [{ bucket: 'No' }, 'is no name of a bucket'],
    [{ bucket: '../etc' }, 'is no name of a bucket'],
    [{ bucket: 'trips', endpoint: 'localhost:9000' }, 'is not the URL of an S3 store'],
    [{ bucket: 'trips', endpoint: 'https://key:secret@localhost' }, 'is not the URL of an S3 store'],
    [{ bucket: 'trips', keyPrefix: 'raw' }, 'cannot be its keyPrefix'],
    [{ bucket: 'trips', keyPrefix: '/raw/' }, 'cannot be its keyPrefix'],
    [{ bucket: 'trips', keyPrefix: 'a/../' }, 'cannot be its keyPrefix'],
    [{ bucket: 'trips', keyPrefix: 'a\n/' }, 'cannot be its keyPrefix'],
    [{ bucket: 'trips', keyPrefix: `${'a'.repeat(1_000)}/` }, 'cannot be its keyPrefix'],
    [{ bucket: 'trips', roleArn: 'trips-reader' }, 'is no role'],
    [{ bucket: 'trips', roleArn: 'arn:aws:iam::123456789012:user/ann' }, 'is no role'],
    [
      { bucket: 'trips', roleArn: 'arn:aws:iam::1:role/a', secret: { type: 'named' as const, name: 's3' } },
      'has both a secret and a role',
    ],
  ])('is refused as %j', (mount, message) => {
    expect(() => assertBucketMount(mount)).toThrow(message);
  });
});

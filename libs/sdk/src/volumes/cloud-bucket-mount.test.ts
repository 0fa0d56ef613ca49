import { describe, expect, it } from 'vitest';

import { Secret } from '../secret.ts';
import { CloudBucketMount } from './cloud-bucket-mount.ts';

describe('a bucket for containers', () => {
  it('is in the manifest as it was written, its secret by name', () => {
    const bucket = new CloudBucketMount('trips', {
      ...{ bucketEndpointUrl: 'http://localhost:9000', keyPrefix: 'raw/', requesterPays: true },
      secret: Secret.fromName('s3'),
      readOnly: false,
    });

    expect(JSON.parse(JSON.stringify(bucket))).toEqual({
      ...{ bucket: 'trips', endpoint: 'http://localhost:9000', keyPrefix: 'raw/', requesterPays: true },
      secret: { type: 'named', name: 's3' },
    });
  });

  it('may have a role in place of a secret', () => {
    const oidcAuthRoleArn = 'arn:aws:iam::123456789012:role/trips-reader';
    const bucket = new CloudBucketMount('trips', { oidcAuthRoleArn });

    expect(JSON.parse(JSON.stringify(bucket))).toEqual({ bucket: 'trips', roleArn: oidcAuthRoleArn });
    expect(() => new CloudBucketMount('trips', { oidcAuthRoleArn, secret: Secret.fromName('s3') })).toThrow(
      'has both a secret and a role',
    );
  });

  it.each<[string, () => unknown]>([
    ['is no role', () => new CloudBucketMount('trips', { oidcAuthRoleArn: 'trips-reader' })],
    ['is no name of a bucket', () => new CloudBucketMount('No')],
    ['cannot be its keyPrefix', () => new CloudBucketMount('trips', { keyPrefix: 'raw' })],
    ['there is no option "prefix"', () => new CloudBucketMount('trips', { prefix: 'raw/' } as object)],
    ['secret must be a Secret', () => new CloudBucketMount('trips', { secret: 's3' as never })],
  ])('that cannot be says why: %s', (message, make) => {
    expect(make).toThrow(message);
  });
});

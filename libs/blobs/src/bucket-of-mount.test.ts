import { describe, expect, it } from 'vitest';

import { bucketOfMount } from './bucket-of-mount.ts';

const MOUNT = { path: '/trips', bucket: 'trips', roleArn: 'arn:aws:iam::123456789012:role/trips-reader' };

describe('a bucket with a role', () => {
  it.each([
    ['nobody', {}],
    [
      'a container without a token',
      { identity: { holder: 'fu-1', sessionName: 'ta-1', token: () => Promise.resolve(undefined) } },
    ],
  ])('is not opened for %s, who is told what has an identity', async (_, user) => {
    await expect(bucketOfMount(MOUNT, user)).rejects.toMatchObject({
      message: 'bucket "trips" has a role, and who asks for it has no identity',
      hint: expect.stringContaining('Containers of deployed apps have one') as string,
    });
  });
});

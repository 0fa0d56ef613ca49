import { AuthError, InternalFailure, NotFoundError } from '@gantry/protocol';
import { minioAvailable, startMinio } from '@gantry/testing';
import { describe, expect, test } from 'vitest';

import { assertBucketAccess } from './bucket-access.ts';
import { openBlobStore } from './open-blob-store.ts';

describe.skipIf(!minioAvailable())(
  'a bucket on a real MinIO (skipped only without the minio program)',
  () => {
    test('is looked at before it is mounted: whether it is there, and may be used', async () => {
      await using minio = await startMinio();
      const { endpoint, accessKey, secretKey } = minio;
      await openBlobStore({ type: 's3', endpoint, accessKey, secretKey, bucket: 'trips' });
      const credentials = { accessKey, secretKey };
      const access = { bucket: 'trips', keyPrefix: 'raw/', endpoint, credentials };

      expect(await assertBucketAccess(access)).toBe('us-east-1');
      await expect(assertBucketAccess({ ...access, bucket: 'no-trips' })).rejects.toThrow(NotFoundError);
      const wrong = { ...credentials, secretKey: 'wrong-secret' };
      await expect(assertBucketAccess({ ...access, credentials: wrong })).rejects.toThrow(AuthError);
      const nobodys = assertBucketAccess({ ...access, credentials: undefined });
      await expect(nobodys).rejects.toThrow(AuthError);
      await expect(nobodys).rejects.toThrow('is not open to everybody');
      await minio.stop();
      await expect(assertBucketAccess(access)).rejects.toThrow(InternalFailure);
    }, 60_000);
  },
);

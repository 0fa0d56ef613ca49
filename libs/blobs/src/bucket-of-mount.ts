import type { BucketMountSpec, SecretValues } from '@gantry/protocol';

import { assertBucketAccess, type BucketAccess } from './bucket-access.ts';
import { bucketCredentials } from './bucket-credentials.ts';

/** A bucket that can be used, and how. */
export interface UsableBucket extends BucketAccess {
  region: string;
  readOnly: boolean;
  requesterPays: boolean;
}

/**
 * What is to be mounted, after a look whether it can be used: what is mounted without that says "input/output error",
 * and nothing more.
 *
 * @param values Of the mount's secret, if it has one.
 * @throws GantryError saying what is wrong with the bucket or its secret.
 */
export async function bucketOfMount(
  { bucket, keyPrefix = '', endpoint, readOnly, requesterPays }: BucketMountSpec,
  values: SecretValues | undefined,
): Promise<UsableBucket> {
  const access = { bucket, keyPrefix, endpoint, ...(values && bucketCredentials(bucket, values)) };
  const region = await assertBucketAccess(access);
  return { ...access, region, readOnly: readOnly === true, requesterPays: requesterPays === true };
}

import { InvalidError, type SecretValues } from '@gantry/protocol';

import type { BucketAccess } from './bucket-access.ts';

/** Who uses a bucket, and where that is. */
export type BucketCredentials = Pick<BucketAccess, 'credentials' | 'region'>;

/**
 * What a secret says of a bucket.
 *
 * @throws InvalidError if it has no keys; no message holds a value.
 */
export function bucketCredentials(bucket: string, values: SecretValues): BucketCredentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = values;
  const { GOOGLE_ACCESS_KEY_ID, GOOGLE_ACCESS_KEY_SECRET } = values;
  const accessKey = AWS_ACCESS_KEY_ID ?? GOOGLE_ACCESS_KEY_ID;
  const secretKey = AWS_ACCESS_KEY_ID === undefined ? GOOGLE_ACCESS_KEY_SECRET : AWS_SECRET_ACCESS_KEY;
  if (!accessKey || !secretKey) {
    throw new InvalidError(`the secret of bucket "${bucket}" has no ${missingIn(values)}`, {
      hint:
        'It needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or GOOGLE_ACCESS_KEY_ID and GOOGLE_ACCESS_KEY_SECRET; ' +
        'leave the secret out for a public bucket.',
    });
  }
  const sessionToken = AWS_SESSION_TOKEN || undefined;
  return { credentials: { accessKey, secretKey, sessionToken }, region: AWS_REGION || undefined };
}

/** What a secret without an access key lacks: the other half, if it has one. */
function missingIn(values: SecretValues): string {
  const pairs = [
    ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
    ['GOOGLE_ACCESS_KEY_ID', 'GOOGLE_ACCESS_KEY_SECRET'],
  ] as const;
  const half = pairs.find((names) => names.some((name) => values[name]));
  return half?.find((name) => !values[name]) ?? 'access key';
}

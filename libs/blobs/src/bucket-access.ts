import { AuthError, InternalFailure, NotFoundError } from '@gantry/protocol';

import { vendorCode } from './blob-errors.ts';
import { addressOf } from './s3-address.ts';

const AWS = 'https://s3.amazonaws.com';
const DEFAULT_REGION = 'us-east-1';
const LIMIT_MS = 20_000;

/** A bucket, and who wants to use it. */
export interface BucketAccess {
  bucket: string;
  keyPrefix: string;
  /** @defaultValue that of AWS */
  endpoint?: string | undefined;
  /** @defaultValue found out for AWS, else 'us-east-1' */
  region?: string | undefined;
  /** @defaultValue nobody's */
  credentials?: { accessKey: string; secretKey: string; sessionToken?: string | undefined } | undefined;
}

/**
 * Lists the first object of a bucket, to see whether it is there and may be used. Resolves to its region.
 *
 * @throws AuthError for refused credentials, NotFoundError for a bucket that does not exist, InternalFailure for a store that does not
 * answer.
 */
export async function assertBucketAccess(access: BucketAccess): Promise<string> {
  const { bucket, keyPrefix, endpoint = AWS, credentials } = access;
  try {
    const region =
      access.region ?? (access.endpoint === undefined ? await regionAtAws(bucket) : DEFAULT_REGION);
    // The S3 client is large; a worker without buckets never loads it.
    const { Client } = await import('minio');
    const client = new Client({
      ...addressOf(endpoint),
      ...(credentials && { ...credentials, sessionToken: credentials.sessionToken ?? '' }),
      region,
      retryOptions: { disableRetry: true },
    });
    await withinLimit(client.listObjectsV2Query(bucket, keyPrefix, '', '/', 1, ''));
    return region;
  } catch (error) {
    throw asAccessError(error, `bucket "${bucket}" at ${endpoint}`, credentials !== undefined);
  }
}

/** AWS says it to everybody, also with a refusal. */
async function regionAtAws(bucket: string): Promise<string> {
  const reply = await fetch(`${AWS}/${bucket}`, { method: 'HEAD', redirect: 'manual' });
  return reply.headers.get('x-amz-bucket-region') ?? DEFAULT_REGION;
}

async function withinLimit(listing: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([listing, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function asAccessError(cause: unknown, what: string, hasCredentials: boolean): Error {
  const code = vendorCode(cause) ?? '';
  if (code === 'NoSuchBucket') {
    return new NotFoundError(`there is no ${what}`, { cause, hint: 'Make it, or correct its name.' });
  }
  if (/AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|Token/.test(code)) {
    if (!hasCredentials) {
      return new AuthError(`${what} is not open to everybody: ${code}`, {
        cause,
        hint: 'Give its mount a secret with keys of the store, or a role.',
      });
    }
    return new AuthError(`${what} refuses the credentials: ${code}`, {
      cause,
      hint: 'The secret of its mount needs keys that may list the bucket, and get and put its objects.',
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InternalFailure(`${what} does not answer: ${reason}`, {
    cause,
    hint: 'Check that the worker can reach the store at this URL.',
  });
}

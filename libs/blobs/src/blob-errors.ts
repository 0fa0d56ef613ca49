import {
  AuthError,
  GantryError,
  InternalFailure,
  NotFoundError,
  ResourceExhaustedError,
} from '@gantry/protocol';

const FULL = new Set([
  'ENOSPC',
  'EDQUOT',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'QuotaExceeded',
]);
const MISSING = new Set(['ENOENT', 'NoSuchKey', 'NotFound']);
const REFUSED = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch']);

/** The vendor's name of a failure: a system error code, or an S3 error code. */
export function vendorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether a failure says that the blob is not there. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(vendorCode(error) ?? '');
}

/** The error for a blob that is not in the store. */
export function blobNotFound(digest: string): NotFoundError {
  return new NotFoundError(`there is no blob "${digest}"`, {
    hint: 'It was never stored or has been removed: store it again.',
    details: { digest },
  });
}

/** Translates a failure of the disk or the S3 store; a `GantryError` passes unchanged. */
export function asBlobError(cause: unknown, where: string): GantryError {
  if (cause instanceof GantryError) return cause;
  const code = vendorCode(cause) ?? '';
  if (FULL.has(code)) {
    return new ResourceExhaustedError(`the blob store "${where}" is full`, {
      cause,
      hint: 'Free space or give the store more, then try again.',
    });
  }
  if (REFUSED.has(code)) {
    return new AuthError(`the blob store "${where}" refused the credentials: ${code}`, {
      cause,
      hint: 'Check the access key, the secret key and the rights on the bucket.',
    });
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InternalFailure(`the blob store "${where}" failed: ${reason}`, {
    cause,
    hint: 'Check that the store is reachable and in order, then try again.',
  });
}

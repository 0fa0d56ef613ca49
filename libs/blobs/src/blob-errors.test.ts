import { AuthError, InternalFailure, InvalidError, ResourceExhaustedError } from '@gantry/protocol';
import { expect, test } from 'vitest';
import { asBlobError } from './blob-errors.ts';

test.each([
  ['ENOSPC', ResourceExhaustedError],
  ['EDQUOT', ResourceExhaustedError],
  ['XMinioStorageFull', ResourceExhaustedError],
  ['SignatureDoesNotMatch', AuthError],
  ['EIO', InternalFailure],
])('a failure with code %s names the store and what to do', (code, errorClass) => {
  const cause = Object.assign(new Error('vendor text'), { code });

  const error = asBlobError(cause, '/var/blobs');

  expect(error).toBeInstanceOf(errorClass);
  expect(error.message).toContain('"/var/blobs"');
  expect(error.hint).toBeTruthy();
  expect(error.cause).toBe(cause);
});

test('an error that is one of ours already passes unchanged', () => {
  const error = new InvalidError('bad');

  expect(asBlobError(error, '/var/blobs')).toBe(error);
});

import { assertBucketMount, type BucketMountSpec, InvalidError } from '@gantry/protocol';

import { checkKeys } from '../option-checks.ts';
import { Secret } from '../secret.ts';
import { VOLUME } from './mount-checks.ts';

export interface CloudBucketMountOptions {
  /** URL of the S3 store, such as `https://minio.example.com:9000`. @defaultValue that of AWS */
  bucketEndpointUrl?: string;
  /** Only objects whose names begin with it are shown, without it; ends in a slash. @defaultValue the whole bucket */
  keyPrefix?: string;
  /**
   * The credentials: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `GOOGLE_ACCESS_KEY_ID` and
   * `GOOGLE_ACCESS_KEY_SECRET`; `AWS_SESSION_TOKEN` and `AWS_REGION` if need be. The code does not see them.
   *
   * @defaultValue none, for public buckets
   */
  secret?: Secret;
  /**
   * In place of a secret: a role of the store, such as `arn:aws:iam::123456789012:role/trips-reader`. Containers take it on
   * with their identity token, for an hour at a time; the store has to trust the tokens of this platform. Only containers of
   * deployed apps have one.
   */
  oidcAuthRoleArn?: string;
  /** Nothing can be written. @defaultValue false */
  readOnly?: boolean;
  /** Whoever reads pays, not the owner of the bucket. @defaultValue false */
  requesterPays?: boolean;
}

const OPTIONS = [
  'bucketEndpointUrl',
  'keyPrefix',
  'secret',
  'oidcAuthRoleArn',
  'readOnly',
  'requesterPays',
] as const;

/**
 * A bucket of any S3 store as a directory of containers, beside their volumes.
 *
 * There is nothing to commit: a file is an object of the bucket once it is closed, and not before; what others put there
 * is seen within about a second. As objects are written whole, a file is written from its beginning to its end: appending,
 * or writing at a place in the middle, fails, as do links. Modes and owners are not kept. Renaming a file copies the object.
 * Directories must not be renamed: what is written to their files afterwards is put under the old names.
 * Programs that need more, such as databases, work in `/tmp`, and copy the result.
 *
 * @example
 * ```ts
 * const raw = new CloudBucketMount('trips', {
 *   bucketEndpointUrl: 'https://minio.example.com:9000',
 *   keyPrefix: 'raw/',
 *   secret: Secret.fromName('trips-reader'),
 *   readOnly: true,
 * });
 * export const count = app.function({ volumes: { '/raw': raw } }, async () => (await readdir('/raw')).length);
 * ```
 */
export class CloudBucketMount {
  readonly bucketName: string;
  /** @internal */
  readonly [VOLUME] = true;
  readonly #options: CloudBucketMountOptions;

  /** @throws InvalidError for a name that no bucket has, a prefix without a slash at its end, and what is no URL or no role. */
  constructor(bucketName: string, options: CloudBucketMountOptions = {}) {
    const subject = 'CloudBucketMount';
    checkKeys(subject, options, OPTIONS);
    if (options.secret !== undefined && !(options.secret instanceof Secret))
      throw new InvalidError(`${subject}: secret must be a Secret`, {
        hint: "Write Secret.fromName('bucket'), with the credentials that `gantry secret create` was given.",
      });
    this.bucketName = bucketName;
    this.#options = options;
    assertBucketMount(this.toJSON());
  }

  /** @internal What a manifest says about it. */
  toJSON(): Omit<BucketMountSpec, 'path'> {
    const { secret, oidcAuthRoleArn, readOnly, requesterPays } = this.#options;
    return {
      ...this.#place(),
      ...(secret && { secret: secret.toJSON() }),
      ...(oidcAuthRoleArn !== undefined && { roleArn: oidcAuthRoleArn }),
      ...(readOnly && { readOnly }),
      ...(requesterPays && { requesterPays }),
    };
  }

  #place(): Pick<BucketMountSpec, 'bucket' | 'endpoint' | 'keyPrefix'> {
    const { bucketEndpointUrl, keyPrefix } = this.#options;
    return {
      bucket: this.bucketName,
      ...(bucketEndpointUrl !== undefined && { endpoint: bucketEndpointUrl }),
      ...(keyPrefix !== undefined && { keyPrefix }),
    };
  }
}

import { InvalidError } from './errors.ts';
import type { SecretRef } from './secret.ts';

/** A bucket of an S3 store that a function's containers have, as manifests name it. */
export interface BucketMountSpec {
  /** Where: absolute, or relative to the working directory, as paths of volumes. */
  path: string;
  bucket: string;
  /** URL of the store. @defaultValue that of AWS */
  endpoint?: string | undefined;
  /** What the names of all objects that are shown begin with; ends in a slash. @defaultValue the whole bucket */
  keyPrefix?: string | undefined;
  /** Whose values are the credentials. They are in no variable of the container. @defaultValue nobody's: a public bucket */
  secret?: SecretRef | undefined;
  /** In place of a secret: the role that containers take on at the store with their identity token. */
  roleArn?: string | undefined;
  readOnly?: true | undefined;
  /** Whoever reads pays, not the owner of the bucket. */
  requesterPays?: true | undefined;
}

/** What a store lends to who has taken on one of its roles. */
export interface LentCredentials {
  accessKey: string;
  secretKey: string;
  sessionToken: string;
  /** Unix time, ms. */
  expiresAtMs: number;
}

/** Credentials that run out. */
export interface CredentialSource {
  /** Who gets them: what is opened with them is shared by those with the same holder alone. */
  holder: string;
  /** Called whenever new ones are needed, and now and then before. */
  lend(): Promise<LentCredentials>;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** As AWS and MinIO write them; MinIO names no account. */
const ROLE = /^arn:[a-z0-9-]+:iam:[a-z0-9-]*:[0-9]*:role\/[\w+=,.@/-]{1,512}$/;
const PREFIX_BYTES = 900;

/**
 * Checks what does not depend on the store.
 *
 * @throws InvalidError for a name that no bucket has, a prefix that does not end in a slash, an endpoint that is no URL, or a role
 * that is none or stands beside a secret.
 */
export function assertBucketMount(mount: Omit<BucketMountSpec, 'path'>): void {
  const { bucket, endpoint, keyPrefix } = mount;
  if (typeof bucket !== 'string' || !BUCKET.test(bucket)) {
    throw new InvalidError(`${JSON.stringify(bucket)} is no name of a bucket`, {
      hint: 'Buckets have 3 to 63 lower-case letters, digits, dots and dashes.',
    });
  }
  if (endpoint !== undefined && !isHttpUrl(endpoint)) {
    throw new InvalidError(`bucket "${bucket}": "${endpoint}" is not the URL of an S3 store`, {
      hint: 'Write it like "https://minio.example.com:9000", without the name of the bucket.',
    });
  }
  if (keyPrefix !== undefined && !isPrefix(keyPrefix)) {
    throw new InvalidError(`bucket "${bucket}": ${JSON.stringify(keyPrefix)} cannot be its keyPrefix`, {
      hint: 'A prefix ends in a slash and does not begin with one, as in "raw/2024/"; leave it out for the whole bucket.',
    });
  }
  assertRole(mount);
}

function assertRole({ bucket, roleArn, secret }: Omit<BucketMountSpec, 'path'>): void {
  if (roleArn === undefined) return;
  if (typeof roleArn !== 'string' || !ROLE.test(roleArn)) {
    throw new InvalidError(`bucket "${bucket}": ${JSON.stringify(roleArn)} is no role`, {
      hint: 'Write it like "arn:aws:iam::123456789012:role/trips-reader".',
    });
  }
  if (secret !== undefined) {
    throw new InvalidError(`bucket "${bucket}" has both a secret and a role`, {
      hint: 'Keep the role, which needs no stored keys, or the secret.',
    });
  }
}

function isHttpUrl(text: unknown): boolean {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  return url !== null && ['http:', 'https:'].includes(url.protocol) && `${url.username}${url.search}` === '';
}

function isPrefix(text: unknown): boolean {
  if (typeof text !== 'string' || !text.endsWith('/')) return false;
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text) || new TextEncoder().encode(text).length > PREFIX_BYTES)
    return false;
  return text
    .slice(0, -1)
    .split('/')
    .every((name) => !['', '.', '..'].includes(name));
}

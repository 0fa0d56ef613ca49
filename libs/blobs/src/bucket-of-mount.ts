import {
  type BucketMountSpec,
  type CredentialSource,
  InvalidError,
  type LentCredentials,
  type SecretValues,
} from '@gantry/protocol';

import { assertBucketAccess, type BucketAccess } from './bucket-access.ts';
import { bucketCredentials } from './bucket-credentials.ts';
import { untilHalfGone } from './lent-credentials.ts';
import { assumeRole } from './role-credentials.ts';

/** A bucket that can be used, and how. */
export interface UsableBucket extends Omit<BucketAccess, 'credentials'> {
  /** Fixed ones, or where there are new ones while the bucket is used. @defaultValue nobody's */
  credentials?: BucketAccess['credentials'] | CredentialSource;
  region: string;
  readOnly: boolean;
  requesterPays: boolean;
}

/** Who wants a bucket. */
export interface BucketUser {
  /** Of the mount's secret, if it has one. */
  values?: SecretValues | undefined;
  /** Who takes on the mount's role, if it has one. @defaultValue nobody, who gets none */
  identity?: BucketIdentity | undefined;
}

export interface BucketIdentity {
  holder: string;
  /** How stores call it in their logs. */
  sessionName: string;
  /** A new token. @returns undefined for those who have no identity */
  token(): Promise<string | undefined>;
}

/**
 * What is to be mounted, after a look whether it can be used: what is mounted without that says "input/output error",
 * and nothing more.
 *
 * @throws GantryError saying what is wrong with the bucket, its secret or its role.
 */
export async function bucketOfMount(spec: BucketMountSpec, user: BucketUser): Promise<UsableBucket> {
  const { bucket, keyPrefix = '', endpoint, readOnly, requesterPays } = spec;
  const flags = { readOnly: readOnly === true, requesterPays: requesterPays === true };
  const place = { bucket, keyPrefix, endpoint };
  if (spec.roleArn === undefined) {
    const access = { ...place, ...(user.values && bucketCredentials(bucket, user.values)) };
    return { ...access, region: await assertBucketAccess(access), ...flags };
  }
  const credentials = sourceOf(spec, spec.roleArn, user.identity);
  const region = await assertBucketAccess({ ...place, credentials: await credentials.lend() });
  return { ...place, region, credentials, ...flags };
}

function sourceOf(
  { bucket, endpoint }: BucketMountSpec,
  roleArn: string,
  identity: BucketIdentity | undefined,
): CredentialSource {
  const lend = async (): Promise<LentCredentials> => {
    const token = await identity?.token();
    if (!identity || token === undefined) {
      throw new InvalidError(`bucket "${bucket}" has a role, and who asks for it has no identity`, {
        hint: 'Containers of deployed apps have one: deploy the app, or give the bucket a secret. Steps of images, and functions with restrictAccess, have none.',
      });
    }
    return assumeRole({ endpoint, roleArn, token, sessionName: identity.sessionName });
  };
  return { holder: `${identity?.holder} ${roleArn}`, lend: untilHalfGone(lend) };
}

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Registry } from '@gantry/messaging';
import {
  IDENTITY_DISCOVERY_PATH,
  IDENTITY_KEYS_PATH,
  type IdentityRecord,
  registryKeys,
} from '@gantry/protocol';

/** What shows others the keys of identity tokens, as the gateway does, and a role at MinIO for whoever has one. */
export interface TestIssuer {
  url: string;
  /** Makes a MinIO trust the tokens. */
  minioEnv: Record<string, string>;
  roleArn: string;
  /** The keys are there from now on. */
  publish(registry: Pick<Registry, 'get'>): void;
  close(): Promise<void>;
}

export async function startIssuer(): Promise<TestIssuer> {
  let registry: Pick<Registry, 'get'> | undefined;
  const keys = async () => {
    const record = await registry?.get<IdentityRecord>(registryKeys.identity);
    return (record?.value.keys ?? []).map(({ id, publicKey }) => ({
      ...{ kty: 'RSA', alg: 'RS256', use: 'sig', kid: id },
      ...publicKey,
    }));
  };
  const server = createServer((request, response) => {
    const discovery = { issuer: url, jwks_uri: url + IDENTITY_KEYS_PATH };
    const found = request.url === IDENTITY_DISCOVERY_PATH ? discovery : keys().then((all) => ({ keys: all }));
    void Promise.resolve(found).then((value) => response.end(JSON.stringify(value)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const audience = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `http://${audience}`;
  return {
    url,
    minioEnv: {
      MINIO_IDENTITY_OPENID_CONFIG_URL: url + IDENTITY_DISCOVERY_PATH,
      MINIO_IDENTITY_OPENID_CLIENT_ID: audience,
      MINIO_IDENTITY_OPENID_ROLE_POLICY: 'readwrite',
    },
    // As MinIO names it: by the hash of who the tokens are for.
    roleArn: `arn:minio:iam:::role/${createHash('sha1').update(audience).digest('base64url')}`,
    publish: (from) => (registry = from),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

import { BuildError, InvalidError, type RegistryStep, type SecretValues } from '@gantry/protocol';
import type { RegistryCredentials } from '@gantry/containers';

import { ecrRequest } from './ecr-request.ts';

type Kind = NonNullable<RegistryStep['credentials']>['kind'];

/** What a secret for a registry of each kind must hold. */
const KEYS: Record<Kind, readonly string[]> = {
  static: ['REGISTRY_USERNAME', 'REGISTRY_PASSWORD'],
  aws: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'],
  gcp: ['SERVICE_ACCOUNT_JSON'],
};

/**
 * Turns the values of a secret into what a registry asks for. Passwords that the cloud makes for a while are not kept.
 *
 * @throws InvalidError naming what the secret lacks, BuildError if the cloud refuses.
 */
export async function registryCredentials(
  kind: Kind,
  values: SecretValues,
  fetchUrl: typeof fetch = fetch,
): Promise<RegistryCredentials> {
  const missing = KEYS[kind].filter((key) => !values[key]);
  if (missing.length > 0) {
    throw new InvalidError(`the secret for the image registry lacks ${missing.join(' and ')}`, {
      hint: `It must hold ${KEYS[kind].join(', ')}.`,
    });
  }
  const value = (key: string) => values[key] ?? '';
  switch (kind) {
    case 'static':
      return { username: value('REGISTRY_USERNAME'), password: value('REGISTRY_PASSWORD') };
    case 'gcp':
      return { username: '_json_key', password: serviceAccount(value('SERVICE_ACCOUNT_JSON')) };
    case 'aws':
      return await ecrCredentials(values, fetchUrl);
  }
}

function serviceAccount(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new InvalidError('"SERVICE_ACCOUNT_JSON" of the secret for the image registry is no JSON', {
      hint: 'It must hold the text of the key file, not its path.',
    });
  }
}

async function ecrCredentials(values: SecretValues, fetchUrl: typeof fetch): Promise<RegistryCredentials> {
  const { url, ...request } = ecrRequest({
    accessKeyId: values['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: values['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: values['AWS_SESSION_TOKEN'],
    region: values['AWS_REGION'] ?? '',
    nowMs: Date.now(),
  });
  const response = await fetchUrl(url, request).catch((cause: unknown) => {
    throw new BuildError(`"${new URL(url).host}" cannot be reached`, {
      cause,
      hint: 'Check AWS_REGION of the secret.',
    });
  });
  const body = (await response.json().catch(() => ({}))) as {
    authorizationData?: [{ authorizationToken?: string }];
    message?: string;
  };
  const token = body.authorizationData?.[0]?.authorizationToken;
  if (token === undefined) {
    throw new BuildError(
      `AWS gives no access to the image registry: ${body.message ?? `status ${response.status}`}`,
      {
        hint: 'Check the keys of the secret, and that they allow ecr:GetAuthorizationToken.',
      },
    );
  }
  const [username = '', ...password] = Buffer.from(token, 'base64').toString('utf8').split(':');
  return { username, password: password.join(':') };
}

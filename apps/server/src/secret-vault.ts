import type { Messaging } from '@gantry/messaging';
import type { Environments } from '@gantry/protocol';
import {
  IdentityKeys,
  InlineSecrets,
  resealSecrets,
  SealingKeys,
  SecretOpener,
  SecretStore,
} from '@gantry/secrets';

import type { CompleteServerConfig } from './config.ts';
import { DeployedSecrets } from './deploy/deployed-secrets.ts';

/** All that a server does with secrets. */
export interface SecretVault {
  secrets: SecretStore;
  inlineSecrets: InlineSecrets;
  deployedSecrets: DeployedSecrets;
}

/**
 * Makes the keys of a new platform, and seals with the first key what an older one sealed. A server without the key does
 * everything else: it says what is missing when a secret is needed.
 */
export async function openVault(
  { registry, environments }: Pick<Messaging, 'registry'> & { environments: Environments },
  {
    dataDir,
    secretsKey,
    gatewayUrl,
    log,
  }: Pick<CompleteServerConfig, 'dataDir' | 'secretsKey' | 'gatewayUrl' | 'log'>,
): Promise<SecretVault> {
  const keys = new SealingKeys({ dataDir, key: secretsKey });
  const secrets = new SecretStore({ registry, keys, environments });
  const inlineSecrets = new InlineSecrets(registry, keys);
  const opener = new SecretOpener(secrets);
  const deployedSecrets = new DeployedSecrets({ store: secrets, inline: inlineSecrets, opener });
  try {
    const ring = await keys.prepare(registry);
    const resealed = await resealSecrets(registry, ring);
    if (resealed > 0) log.info({ resealed, key: ring.id }, 'secrets are sealed with a new key');
    await new IdentityKeys(registry, keys).prepare(new URL(gatewayUrl).origin);
  } catch (err) {
    log.warn({ err }, 'this server can neither seal nor open secrets');
  }
  return { secrets, inlineSecrets, deployedSecrets };
}

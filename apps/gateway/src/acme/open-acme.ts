import type { Logger } from '@gantry/telemetry';
import { SealingKeys } from '@gantry/secrets';

import type { GatewayConfig } from '../config.ts';
import { AcmeCertificates } from './acme-certificates.ts';
import { AcmeOrders } from './acme-orders.ts';
import { Challenges, type AcmeRegistry } from './challenges.ts';

export interface AcmeParts {
  config: Pick<GatewayConfig, 'acme' | 'dataDir' | 'secretsKey'> & { log: Logger };
  registry: AcmeRegistry;
  gatewayId: string;
  isServed(host: string): boolean;
}

/** What a gateway has of an ACME authority. */
export interface Acme {
  certificates: AcmeCertificates;
  /** What to answer over plain HTTP for a path. */
  answerAt(path: string): string | undefined;
  close(): void;
}

/**
 * Undefined where no authority is configured.
 *
 * @throws InternalFailure if this machine has no key for secrets.
 */
export async function openAcme({
  config,
  registry,
  gatewayId,
  isServed,
}: AcmeParts): Promise<Acme | undefined> {
  const { acme, dataDir, secretsKey: key, log } = config;
  if (!acme) return undefined;
  const keys = new SealingKeys({ dataDir, key });
  // Better now than with the first visitor.
  await keys.require();
  const challenges = await Challenges.follow(registry);
  const { retryMs, sweepMs, ...authority } = acme;
  const orders = new AcmeOrders({ ...authority, registry, keys, challenges });
  const certificates = await AcmeCertificates.open({
    ...{ registry, keys, orders, isServed, gatewayId, log, retryMs, sweepMs },
  });
  return {
    certificates,
    answerAt: (path) => challenges.answerAt(path),
    close() {
      certificates.close();
      challenges.close();
    },
  };
}

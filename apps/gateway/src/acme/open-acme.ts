import type { Logger } from '@gantry/telemetry';
import { SealingKeys } from '@gantry/secrets';

import type { GatewayConfig } from '../config.ts';
import { AcmeCertificates } from './acme-certificates.ts';
import { AcmeOrders } from './acme-orders.ts';
import { Challenges, type AcmeRegistry } from './challenges.ts';
import { TlsChallenges } from './tls-challenges.ts';

export interface AcmeParts {
  config: Pick<GatewayConfig, 'acme' | 'dataDir' | 'secretsKey' | 'httpPort'> & { log: Logger };
  registry: AcmeRegistry;
  gatewayId: string;
  isServed(host: string): boolean;
}

/** What a gateway has of an ACME authority. */
export interface Acme {
  certificates: AcmeCertificates;
  /** What to answer over plain HTTP for a path. */
  answerAt(path: string): string | undefined;
  /** Takes connections in which the authority asks in TLS. */
  readonly tls: TlsChallenges;
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
  const { acme, dataDir, secretsKey: key, httpPort, log } = config;
  if (!acme) return undefined;
  const keys = new SealingKeys({ dataDir, key });
  // Better now than with the first visitor.
  await keys.require();
  const challenges = await Challenges.follow(registry);
  const { retryMs, sweepMs, ...authority } = acme;
  // Without a port for plain HTTP there is only one that it can come to.
  const challenge = httpPort === undefined ? 'tls-alpn-01' : 'http-01';
  const orders = new AcmeOrders({ ...authority, challenge, registry, keys, challenges });
  const certificates = await AcmeCertificates.open({
    ...{ registry, keys, orders, isServed, gatewayId, log, retryMs, sweepMs },
  });
  return {
    certificates,
    answerAt: (path) => challenges.answerAt(path),
    tls: new TlsChallenges(challenges),
    close() {
      certificates.close();
      challenges.close();
    },
  };
}

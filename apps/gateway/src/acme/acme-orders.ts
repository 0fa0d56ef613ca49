import { generateKeyPairSync } from 'node:crypto';

import { ConnectionError, registryKeys, type AcmeAccountRecord } from '@gantry/protocol';
import type { SealingKeys } from '@gantry/secrets';
import type { Client } from 'acme-client';

import type { KeyPair } from '../certificates/issued-certificate.ts';
import type { AcmeRegistry, Challenges } from './challenges.ts';

export interface AcmeAuthority {
  /** URL of its directory. */
  directory: string;
  /** Where it tells of what goes wrong. @defaultValue nowhere */
  email?: string | undefined;
}

/** How an authority asks whose a host is: at port 80, or in TLS at port 443. */
export type AcmeChallenge = 'http-01' | 'tls-alpn-01';

export interface AcmeOrdersOptions extends AcmeAuthority {
  challenge: AcmeChallenge;
  registry: AcmeRegistry;
  keys: Pick<SealingKeys, 'require'>;
  challenges: Challenges;
}

const REACHED_WITHIN_MS = 20_000;
/** At first; then twice as long each time. */
const ASKED_AGAIN_AFTER_MS = 500;

/** Orders certificates from an ACME authority, with the account that all gateways of a platform share. */
export class AcmeOrders {
  readonly #options: AcmeOrdersOptions;
  #client: Promise<Client> | undefined;

  constructor(options: AcmeOrdersOptions) {
    this.#options = options;
  }

  /** @throws whatever keeps the authority from issuing one: it is away, cannot reach us, or refuses. */
  async issue(host: string): Promise<KeyPair> {
    const { challenge, challenges, directory, email } = this.#options;
    await reach(directory);
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    const client = await this.#client;
    const { crypto } = await import('acme-client');
    const [key, csr] = await crypto.createCsr({ altNames: [host] }, await crypto.createPrivateEcdsaKey());
    const certificate = await client.auto({
      csr,
      ...(email === undefined ? {} : { email }),
      termsOfServiceAgreed: true,
      challengePriority: [challenge],
      // Names may lead to us from outside alone.
      skipChallengeVerification: true,
      challengeCreateFn: async (_authorization, offered, answer) => {
        const { type, token }: { type: string; token: string } = offered;
        if (type !== challenge) throw new Error(`the authority offers ${type} alone`);
        await challenges.publish({ token, answer, ...(type === 'tls-alpn-01' ? { host } : {}) });
      },
      challengeRemoveFn: async (_authorization, { token }) => await challenges.remove(token),
    });
    return { certificate, privateKey: String(key) };
  }

  async #open(): Promise<Client> {
    // Few gateways order certificates.
    const { default: acme } = await import('acme-client');
    const { directory } = this.#options;
    // A request that fails fails its order, which is tried again.
    Object.assign(Reflect.get(acme.axios.defaults, 'acmeSettings') as object, { retryMaxAttempts: 0 });
    const accountKey = await this.#accountKey();
    // A visitor waits for it.
    return new acme.Client({ directoryUrl: directory, accountKey, backoffMin: ASKED_AGAIN_AFTER_MS });
  }

  async #accountKey(): Promise<string> {
    const { directory, registry, keys } = this.#options;
    const ring = await keys.require();
    const key = registryKeys.acmeAccount(directory);
    const context = `the account at ${directory}`;
    const known = await registry.get<AcmeAccountRecord>(key);
    if (known) return Buffer.from(ring.open(known.value.sealed, context)).toString();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const record: AcmeAccountRecord = { directory, sealed: ring.seal(Buffer.from(pem), context) };
    // Another gateway may have been first.
    return (await registry.create(key, record)) ? pem : await this.#accountKey();
  }
}

/** The client says nothing of use where nobody answers. @throws ConnectionError */
async function reach(directory: string): Promise<void> {
  try {
    await fetch(directory, { signal: AbortSignal.timeout(REACHED_WITHIN_MS) });
  } catch (error) {
    const { cause } = error as { cause?: { code?: unknown; message?: unknown } };
    const reason = String(cause?.code ?? cause?.message ?? (error as Error).message);
    throw new ConnectionError(`the authority at "${directory}" cannot be reached: ${reason}`, {
      cause: error,
      hint: 'Check its address, and that this machine may connect to it and trusts its certificate (NODE_EXTRA_CA_CERTS).',
    });
  }
}

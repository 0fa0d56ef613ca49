import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { AuthError, registryKeys, type ProxyTokenRecord, type RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import type { FunctionSource } from '../routing/function-source.ts';
import type { RouteRegistry } from '../routing/route-table.ts';

/** Stands in for the digest of a token that does not exist, so that looking for one takes as long. */
const NO_DIGEST = '0'.repeat(64);

/** What opens protected web functions: a copy of the registry's proxy tokens that follows it. */
@onePerGateway()
export class ProxyTokens {
  readonly #functions: FunctionSource;
  readonly #digests = new Map<string, string>();

  constructor(@inject(TOKENS.functions) functions: FunctionSource) {
    this.#functions = functions;
  }

  /** Resolves once every present token is known. */
  follow(registry: RouteRegistry): Promise<{ stop(): void }> {
    return registry.watch<ProxyTokenRecord>(registryKeys.allProxyTokens, ({ key, value }) => {
      if (value) this.#digests.set(key, value.digest);
      else this.#digests.delete(key);
    });
  }

  /** @throws AuthError for a protected function, unless the request carries the id of a token and its secret. */
  check({ headers }: IncomingMessage, route: RouteRecord): void {
    if (!this.#isProtected(route)) return;
    const { 'gantry-key': id, 'gantry-secret': secret } = headers;
    if (typeof id !== 'string' || typeof secret !== 'string') {
      throw new AuthError('this address needs a proxy token', {
        hint: 'Send the headers "Gantry-Key" and "Gantry-Secret". Make a token: gantry proxy-token new <name>',
      });
    }
    const known = this.#digests.get(registryKeys.proxyToken(id)) ?? NO_DIGEST;
    const given = createHash('sha256').update(secret).digest();
    if (timingSafeEqual(given, Buffer.from(known, 'hex'))) return;
    throw new AuthError('the proxy token of this request is not valid', {
      hint: 'List the tokens that are: gantry proxy-token list',
    });
  }

  #isProtected({ functionId, method }: RouteRecord): boolean {
    const methods = this.#functions.get(functionId)?.spec.methods ?? [];
    return methods.find(({ name }) => name === method)?.web?.requiresProxyAuth ?? false;
  }
}

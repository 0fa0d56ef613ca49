import type { IncomingMessage } from 'node:http';

import type { RateLimit } from '@gantry/messaging';
import type { RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { ProxyTokens } from './proxy-tokens.ts';
import { checkBodyLength } from './request-body.ts';

/**
 * Lets through what is neither faster than the rate limit of the workspace (429), nor without the token that its
 * function requires (401), nor too large (413).
 */
@onePerGateway()
export class Admission {
  readonly #rate: RateLimit;
  readonly #tokens: ProxyTokens;

  constructor(@inject(TOKENS.rate) rate: RateLimit, @inject(ProxyTokens) tokens: ProxyTokens) {
    this.#rate = rate;
    this.#tokens = tokens;
  }

  /** @throws ResourceExhaustedError, AuthError or RequestSizeError for what is refused. */
  check(request: IncomingMessage, route: RouteRecord): void {
    this.#rate.admit(1);
    this.#tokens.check(request, route);
    checkBodyLength(request);
  }
}

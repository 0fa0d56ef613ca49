import type { RateLimit } from '@gantry/messaging';
import type { RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { ObservedRequests } from '../observation/observed-requests.ts';
import type { Exchange } from './exchange.ts';
import { ProxyTokens } from './proxy-tokens.ts';
import { checkBodyLength } from './request-body.ts';

/**
 * Lets through what is neither faster than the rate limit of the workspace (429), nor without the token that its
 * function requires (401), nor too large (413); what is refused is seen in log and metrics, too.
 */
@onePerGateway()
export class Admission {
  readonly #rate: RateLimit;
  readonly #tokens: ProxyTokens;
  readonly #observed: ObservedRequests;

  constructor(
    @inject(TOKENS.rate) rate: RateLimit,
    @inject(ProxyTokens) tokens: ProxyTokens,
    @inject(ObservedRequests) observed: ObservedRequests,
  ) {
    this.#observed = observed;
    this.#rate = rate;
    this.#tokens = tokens;
  }

  /** @throws ResourceExhaustedError, AuthError or RequestSizeError for what is refused. */
  check(exchange: Exchange, route: RouteRecord): void {
    const { request } = exchange;
    this.#observed.observe(exchange, route);
    this.#rate.admit(1);
    this.#tokens.check(request, route);
    checkBodyLength(request);
  }
}

import type { RateLimit } from '@gantry/messaging';
import type { RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { sendError } from '../pages/error-answer.ts';
import { type Exchange, Proxy } from './proxy.ts';
import { ProxyTokens } from './proxy-tokens.ts';
import { checkBodyLength } from './request-body.ts';

/**
 * A {@link Proxy} that lets through what is neither faster than the rate limit of the workspace (429), nor without the
 * token that its function requires (401), nor too large (413). Nothing is started for what it refuses.
 */
@onePerGateway()
export class LimitedProxy {
  readonly #proxy: Proxy;
  readonly #rate: RateLimit;
  readonly #tokens: ProxyTokens;

  constructor(
    @inject(Proxy) proxy: Proxy,
    @inject(TOKENS.rate) rate: RateLimit,
    @inject(ProxyTokens) tokens: ProxyTokens,
  ) {
    this.#proxy = proxy;
    this.#rate = rate;
    this.#tokens = tokens;
  }

  forward(exchange: Exchange, route: RouteRecord): void {
    try {
      this.#rate.admit(1);
      this.#tokens.check(exchange.request, route);
      checkBodyLength(exchange.request);
      this.#proxy.forward(exchange, route);
    } catch (error) {
      sendError(exchange.request, exchange.response, error);
    }
  }
}

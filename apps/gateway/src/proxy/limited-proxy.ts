import type { RateLimit } from '@gantry/messaging';
import type { RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { sendError } from '../pages/error-answer.ts';
import { type Exchange, Proxy } from './proxy.ts';
import { checkBodyLength } from './request-body.ts';

/** A {@link Proxy} that answers with 429 what comes faster than the rate limit of the workspace, with 413 what is too large. */
@onePerGateway()
export class LimitedProxy {
  readonly #proxy: Proxy;
  readonly #rate: RateLimit;

  constructor(@inject(Proxy) proxy: Proxy, @inject(TOKENS.rate) rate: RateLimit) {
    this.#proxy = proxy;
    this.#rate = rate;
  }

  forward(exchange: Exchange, route: RouteRecord): void {
    try {
      this.#rate.admit(1);
      checkBodyLength(exchange.request);
    } catch (error) {
      return sendError(exchange.request, exchange.response, error);
    }
    this.#proxy.forward(exchange, route);
  }
}

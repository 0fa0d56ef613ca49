import { LIMITS } from '@gantry/protocol';

import type { GatewayConfig } from '../config.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { sendSeeOther } from '../pages/see-other.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { ProxiedRequest } from '../proxy/proxied-request.ts';
import { ResultKeeper } from './result-keeper.ts';
import { withResultToken } from './result-address.ts';

/**
 * Ends the exchange of a request whose answer takes too long with 303 and the address of its result, while the request
 * itself goes on. The clock runs from its arrival to the first byte of its answer; a request that its client is still
 * sending is not ended.
 */
@onePerGateway()
export class LongRequests {
  readonly #keeper: ResultKeeper;
  readonly #config: GatewayConfig;
  readonly #waitMs: number;

  constructor(@inject(ResultKeeper) keeper: ResultKeeper, @inject(TOKENS.config) config: GatewayConfig) {
    this.#keeper = keeper;
    this.#config = config;
    this.#waitMs = config.webWaitMs ?? LIMITS.webWaitMs;
  }

  watch(proxied: ProxiedRequest, exchange: Exchange, host: string): void {
    // A WebSocket that is accepted is an answer that has begun; one that is not has no address to go to.
    if (exchange.connection) return;
    const timer = setTimeout(() => void this.#end(proxied, exchange, host), this.#waitMs);
    exchange.response.once('close', () => clearTimeout(timer));
  }

  async #end(proxied: ProxiedRequest, exchange: Exchange, host: string): Promise<void> {
    const { request, response, target } = exchange;
    if (response.headersSent) return;
    try {
      if (!(await proxied.whenSent())) return;
      await this.#keeper.takeOver(proxied, host, (token) =>
        sendSeeOther(response, {
          host: request.headers.host ?? host,
          target: withResultToken(target, token),
        }),
      );
    } catch (err) {
      // The client goes on waiting, as long as it likes.
      this.#config.log.error({ err, host }, 'a long request could not be given an address');
    }
  }
}

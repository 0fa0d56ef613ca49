import type { RouteRecord } from '@gantry/protocol';

import { Dispatcher, type DispatchTarget } from '../containers/dispatcher.ts';
import type { GatewayConfig } from '../config.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { LongRequests } from '../results/long-requests.ts';
import type { Exchange } from './exchange.ts';
import { ProxiedRequest } from './proxied-request.ts';

/** Long enough for a tunnel under a river, and for a client that is suspended for a moment. */
const STALL_MS = 60_000;

/** Sends requests to containers, and ends exchanges that take too long. */
@onePerGateway()
export class ProxiedRequests {
  readonly #dispatcher: Dispatcher;
  readonly #long: LongRequests;
  readonly #config: GatewayConfig;

  constructor(
    @inject(Dispatcher) dispatcher: Dispatcher,
    @inject(LongRequests) long: LongRequests,
    @inject(TOKENS.config) config: GatewayConfig,
  ) {
    this.#config = config;
    this.#dispatcher = dispatcher;
    this.#long = long;
  }

  start(exchange: Exchange, { method, host }: RouteRecord, dispatch: DispatchTarget): void {
    const { stallMs = STALL_MS } = this.#config;
    const proxied = new ProxiedRequest({
      ...{ ...exchange, method, dispatch, stallMs },
      dispatcher: this.#dispatcher,
    });
    this.#long.watch(proxied, exchange, host);
    proxied.start();
  }
}

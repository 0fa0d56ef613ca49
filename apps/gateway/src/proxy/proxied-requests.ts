import type { RouteRecord } from '@gantry/protocol';

import { Dispatcher, type DispatchTarget } from '../containers/dispatcher.ts';
import { inject, onePerGateway } from '../injection.ts';
import { LongRequests } from '../results/long-requests.ts';
import type { Exchange } from './exchange.ts';
import { ProxiedRequest } from './proxied-request.ts';

/** Sends requests to containers, and ends exchanges that take too long. */
@onePerGateway()
export class ProxiedRequests {
  readonly #dispatcher: Dispatcher;
  readonly #long: LongRequests;

  constructor(@inject(Dispatcher) dispatcher: Dispatcher, @inject(LongRequests) long: LongRequests) {
    this.#dispatcher = dispatcher;
    this.#long = long;
  }

  start(exchange: Exchange, { method, host }: RouteRecord, dispatch: DispatchTarget): void {
    const proxied = new ProxiedRequest({ ...exchange, method, dispatch, dispatcher: this.#dispatcher });
    this.#long.watch(proxied, exchange, host);
    proxied.start();
  }
}

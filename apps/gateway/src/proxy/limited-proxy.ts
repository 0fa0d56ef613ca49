import type { RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway } from '../injection.ts';
import { sendError } from '../pages/error-answer.ts';
import { resultTokenIn } from '../results/result-address.ts';
import { ResultDesk } from '../results/result-desk.ts';
import { Admission } from './admission.ts';
import type { Exchange } from './exchange.ts';
import { Proxy } from './proxy.ts';

/** A {@link Proxy} for what is admitted. Nothing is started for what is refused, or for who asks for a result. */
@onePerGateway()
export class LimitedProxy {
  readonly #admission: Admission;
  readonly #proxy: Proxy;
  readonly #results: ResultDesk;

  constructor(
    @inject(Admission) admission: Admission,
    @inject(Proxy) proxy: Proxy,
    @inject(ResultDesk) results: ResultDesk,
  ) {
    this.#admission = admission;
    this.#proxy = proxy;
    this.#results = results;
  }

  forward(exchange: Exchange, route: RouteRecord): void {
    try {
      this.#admission.check(exchange, route);
      const token = resultTokenIn(exchange.target);
      if (token === undefined) this.#proxy.forward(exchange, route);
      else this.#results.serve(exchange, route.host, token);
    } catch (error) {
      sendError(exchange.request, exchange.response, error);
    }
  }
}

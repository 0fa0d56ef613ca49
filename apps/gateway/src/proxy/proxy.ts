import { DEFAULTS, type FunctionRecord, type RouteRecord } from '@gantry/protocol';

import { stopped, type DispatchTarget } from '../containers/dispatcher.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { sendError, sendProblems } from '../pages/error-answer.ts';
import { ClassPools, type PoolChoice } from '../routing/class-pool.ts';
import type { FunctionSource } from '../routing/function-source.ts';
import type { Exchange } from './exchange.ts';
import { ProxiedRequests } from './proxied-requests.ts';

/** Passes requests of a route to containers of its function. */
@onePerGateway()
export class Proxy {
  readonly #functions: FunctionSource;
  readonly #pools: ClassPools;
  readonly #requests: ProxiedRequests;

  constructor(
    @inject(TOKENS.functions) functions: FunctionSource,
    @inject(ClassPools) pools: ClassPools,
    @inject(ProxiedRequests) requests: ProxiedRequests,
  ) {
    this.#functions = functions;
    this.#pools = pools;
    this.#requests = requests;
  }

  forward(exchange: Exchange, route: RouteRecord): void {
    const { request, response, target } = exchange;
    const record = this.#functions.get(route.functionId);
    if (!record || record.stopped)
      return sendError(request, response, stopped(record?.spec.name ?? route.host));
    const at = target.indexOf('?');
    const choice = this.#pools.choose(record, at < 0 ? '' : target.slice(at + 1));
    const proceed = (chosen: PoolChoice) => {
      if (chosen.type === 'refused') return sendProblems(response, chosen.problems);
      this.#requests.start(exchange, route, toDispatchTarget(record, chosen));
    };
    if (!(choice instanceof Promise)) return proceed(choice);
    choice.then(proceed).catch((error: unknown) => sendError(request, response, error));
  }
}

function toDispatchTarget(
  record: FunctionRecord,
  { pool, parameters }: Extract<PoolChoice, { type: 'pool' }>,
): DispatchTarget {
  return {
    pool,
    parameters,
    functionId: record.id,
    functionName: record.spec.name,
    version: record.version,
    waitMs: record.spec.options.startupTimeoutMs ?? DEFAULTS.startupTimeoutMs,
  };
}

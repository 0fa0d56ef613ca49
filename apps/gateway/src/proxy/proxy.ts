import type { IncomingMessage, ServerResponse } from 'node:http';

import { DEFAULTS, type FunctionRecord, type RouteRecord } from '@gantry/protocol';

import { Dispatcher, stopped, type DispatchTarget } from '../containers/dispatcher.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { sendError, sendProblems } from '../pages/error-answer.ts';
import { ClassPools, type PoolChoice } from '../routing/class-pool.ts';
import type { FunctionSource } from '../routing/function-source.ts';
import { ProxiedRequest } from './proxied-request.ts';
import type { LeavingConnection } from './upgrade.ts';

/** A request to answer. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** Path and query of the request. */
  target: string;
  /** Set for a handshake of WebSocket. */
  connection?: LeavingConnection | undefined;
}

/** Passes requests of a route to containers of its function. */
@onePerGateway()
export class Proxy {
  readonly #functions: FunctionSource;
  readonly #pools: ClassPools;
  readonly #dispatcher: Dispatcher;

  constructor(
    @inject(TOKENS.functions) functions: FunctionSource,
    @inject(ClassPools) pools: ClassPools,
    @inject(Dispatcher) dispatcher: Dispatcher,
  ) {
    this.#functions = functions;
    this.#pools = pools;
    this.#dispatcher = dispatcher;
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
      const dispatch = toDispatchTarget(record, chosen);
      new ProxiedRequest({
        ...exchange,
        method: route.method,
        dispatch,
        dispatcher: this.#dispatcher,
      }).start();
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

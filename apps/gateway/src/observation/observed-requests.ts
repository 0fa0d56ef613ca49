import type { RouteRecord } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { FunctionSource } from '../routing/function-source.ts';
import { RequestLog } from './request-log.ts';
import { RequestMetrics } from './request-metrics.ts';

/** The client was gone before there was an answer; nobody sees this status but who reads the log. */
const CLIENT_CLOSED = 499;

/** Follows each request of a function to its end, and tells the log of its app and the metrics. */
@onePerGateway()
export class ObservedRequests {
  readonly #log: RequestLog;
  readonly #metrics: RequestMetrics;
  readonly #functions: FunctionSource;

  constructor(
    @inject(RequestLog) log: RequestLog,
    @inject(RequestMetrics) metrics: RequestMetrics,
    @inject(TOKENS.functions) functions: FunctionSource,
  ) {
    this.#log = log;
    this.#metrics = metrics;
    this.#functions = functions;
  }

  observe(exchange: Exchange, { appId, functionId }: RouteRecord): void {
    const { request, response, target, connection } = exchange;
    const beganAtMs = performance.now();
    const verb = request.method ?? '';
    this.#metrics.begin();
    const onEnd = (): void => {
      const durationMs = performance.now() - beganAtMs;
      const status = statusOf(exchange);
      const at = target.indexOf('?');
      this.#metrics.end(status, durationMs);
      this.#log.write({
        ...{ appId, verb, status, durationMs },
        functionName: this.#functions.get(functionId)?.spec.name ?? '',
        containerId: exchange.trace.containerId ?? '',
        path: at < 0 ? target : target.slice(0, at),
      });
    };
    // The answer of a WebSocket's handshake has no connection of its own any more.
    if (connection) connection.socket.once('close', onEnd);
    else response.once('close', onEnd);
  }
}

function statusOf({ response, trace }: Exchange): number {
  if (trace.isUpgraded) return 101;
  return response.headersSent ? response.statusCode : CLIENT_CLOSED;
}

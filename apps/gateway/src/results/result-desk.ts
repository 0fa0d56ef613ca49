import { pipeline, Readable } from 'node:stream';

import {
  ConnectionError,
  LIMITS,
  NotFoundError,
  registryKeys,
  type WebAnswer,
  type WebResultRecord,
} from '@gantry/protocol';

import type { GatewayConfig } from '../config.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';
import { sendBadGateway, sendError } from '../pages/error-answer.ts';
import { sendSeeOther } from '../pages/see-other.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { ResultStores } from './result-keeper.ts';
import { digestOf } from './result-address.ts';

/** How often a waiting client looks whether the gateway that waits for the container is alive. */
const LOOK_EVERY_MS = 5_000;

/** Answers who asks for the result of a long request: with it, or with the same address again when it takes longer. */
@onePerGateway()
export class ResultDesk {
  readonly #stores: ResultStores;
  readonly #config: GatewayConfig;

  constructor(
    @inject(TOKENS.resultStores) stores: ResultStores,
    @inject(TOKENS.config) config: GatewayConfig,
  ) {
    this.#stores = stores;
    this.#config = config;
  }

  /** `host` is the name that was asked for; results of others are not found. */
  serve(exchange: Exchange, host: string, token: string): void {
    const { request, response } = exchange;
    const left = new AbortController();
    const onClose = (): void => left.abort(new ConnectionError('the client left'));
    response.once('close', onClose);
    this.#answer(exchange, { host, token, signal: left.signal }).catch((error: unknown) => {
      if (!left.signal.aborted) sendError(request, response, error);
    });
  }

  async #answer(exchange: Exchange, { host, token, signal }: ResultAsk): Promise<void> {
    const key = registryKeys.webResult(digestOf(token));
    const entry = await this.#stores.registry.get<WebResultRecord>(key);
    if (entry?.value.host !== host) throw noSuchResult();
    const record = isOpen(entry.value) ? await this.#wait(key, signal) : entry.value;
    if (signal.aborted) return;
    if (!record) throw noSuchResult();
    if (record.lost) return sendBadGateway(exchange.request, exchange.response);
    if (record.answer) return await this.#send(exchange, record.answer);
    sendSeeOther(exchange.response, { host: exchange.request.headers.host ?? host, target: exchange.target });
  }

  /** The record when it has an answer or will have none, or as it is when the time is over. */
  async #wait(key: string, signal: AbortSignal): Promise<WebResultRecord | undefined> {
    const waitMs = this.#config.webWaitMs ?? LIMITS.webWaitMs;
    let latest: { record: WebResultRecord; revision: number } | undefined;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), waitMs);
    const watch = await this.#stores.registry.watch<WebResultRecord>(key, ({ value, revision }) => {
      latest = value && { record: value, revision };
      if (!value || !isOpen(value)) over.abort();
    });
    const look = (): void => {
      if (latest && isOpen(latest.record)) this.#buryIfLost(key, latest).catch(() => undefined);
    };
    const looks = setInterval(look, LOOK_EVERY_MS);
    look();
    try {
      await ended(AbortSignal.any([signal, over.signal]));
      return latest?.record;
    } finally {
      clearTimeout(timer);
      clearInterval(looks);
      watch.stop();
    }
  }

  /** The gateway that waited for the container may have been killed. */
  async #buryIfLost(key: string, latest: { record: WebResultRecord; revision: number }): Promise<void> {
    const alive = await this.#stores.leases.alive();
    if (alive.has(latest.record.gatewayId)) return;
    await this.#stores.registry.update(key, { ...latest.record, lost: true }, latest.revision);
  }

  async #send({ request, response }: Exchange, { status, headers, body }: WebAnswer): Promise<void> {
    const chunks = await this.#stores.blobs.get(body.blob);
    if (response.destroyed) return;
    response.writeHead(status, headers);
    if (request.method === 'HEAD' || body.sizeBytes === 0) return void response.end();
    await new Promise<void>((resolve) => {
      // What breaks off has cut the connection: half an answer must not look whole.
      pipeline(Readable.from(chunks), response, (error) => {
        if (error) response.destroy();
        resolve();
      });
    });
  }
}

interface ResultAsk {
  host: string;
  token: string;
  signal: AbortSignal;
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function isOpen({ answer, lost }: WebResultRecord): boolean {
  return answer === undefined && lost !== true;
}

function noSuchResult(): NotFoundError {
  return new NotFoundError('there is no such result', {
    hint: 'Results are kept for 7 days. Send the request again without "__gantry_result" in its query.',
  });
}

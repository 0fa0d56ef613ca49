import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { DEFAULTS, newId, type FunctionSpec, type MethodSpec, type WebSpec } from '@gantry/protocol';

import { ArgumentBinder } from './bind-arguments.ts';
import { answerOptions } from './cors.ts';
import { docsPage } from './docs-page.ts';
import { sendJson } from './failure.ts';
import { openApiDocument } from './openapi.ts';
import { WebInput, type WebHandler } from './web-input.ts';

const MAX_HEADER_BYTES = 64 * 1024;
const IDLE_SWEEP_MS = 20;
/** How long a server that closes goes on answering: gateways learn of it a moment later, and may send until then. */
const LINGER_MS = 200;

/** What a container's HTTP server needs to know. */
export interface WebServerOptions {
  /** Unix socket to listen on; a stale one is replaced. */
  socketPath: string;
  spec: FunctionSpec;
  /** Finds the user's code; called once per endpoint, at its first request. */
  resolveHandler(methodName: string): WebHandler;
  /** Waits for one of the container's input slots, which calls and requests share; returns how to give it back. */
  admit(): Promise<() => void>;
  /** Told of errors whose text the client must not see; of no input if there is none yet. */
  onUnexpectedError(error: unknown, inputId?: string): void;
}

interface Endpoint {
  method: MethodSpec;
  web: WebSpec;
  binder: ArgumentBinder;
  handler: WebHandler | undefined;
  /** Value of the `allow` header. */
  allow: string;
}

/**
 * Serves a function's endpoints over HTTP on a Unix socket, one route each. The header `gantry-method`, set by
 * the gateway, says which method a request is for.
 *
 * @example
 * ```ts
 * const server = await startWebServer({ socketPath, spec, resolveHandler, admit, onUnexpectedError });
 * await server.close(); // goes on for a moment, then waits for the requests that run
 * ```
 */
export async function startWebServer(options: WebServerOptions): Promise<{ close(): Promise<void> }> {
  const endpoints = new EndpointServer(options);
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, noDelay: true }, (request, response) =>
    endpoints.serve(request, response),
  );
  // The only client is the gateway of this machine, which keeps its connections and guards against slow clients.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  await rm(options.socketPath, { force: true });
  await listen(server, options.socketPath);
  return { close: () => close(server) };
}

class EndpointServer {
  readonly #options: WebServerOptions;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #timeoutMs: number;

  constructor(options: WebServerOptions) {
    this.#options = options;
    this.#timeoutMs = options.spec.options.timeoutMs ?? DEFAULTS.timeoutMs;
    this.#endpoints = new Map(
      options.spec.methods.flatMap((method) =>
        method.web ? [[method.name, toEndpoint(method, method.web)]] : [],
      ),
    );
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const endpoint = this.#endpoints.get(String(request.headers['gantry-method'] ?? ''));
    const [path, query] = splitTarget(request.url ?? '/');
    if (!endpoint) return sendJson(response, 404, { body: { detail: 'Not Found' } });
    if (path !== '/') return this.#serveDocs(path, endpoint, { request, response });
    if (request.method === 'OPTIONS') return answerOptions(request, response, endpoint.allow);
    if (!accepts(endpoint.web, request.method)) return refuseVerb(response, endpoint.allow);
    const handler = this.#handlerOf(endpoint);
    if (!handler) return sendJson(response, 500, { body: { detail: 'Internal Server Error' } });
    const input = new WebInput({
      inputId: newId('in'),
      request,
      response,
      query,
      binder: endpoint.binder,
      handler,
      timeoutMs: this.#timeoutMs,
      admit: this.#options.admit,
      onUnexpectedError: (error, inputId) => this.#options.onUnexpectedError(error, inputId),
    });
    void input.run();
  }

  #handlerOf(endpoint: Endpoint): WebHandler | undefined {
    try {
      return (endpoint.handler ??= this.#options.resolveHandler(endpoint.method.name));
    } catch (error) {
      this.#options.onUnexpectedError(error);
      return undefined;
    }
  }

  #serveDocs(
    path: string,
    { method, web }: Endpoint,
    at: { request: IncomingMessage; response: ServerResponse },
  ): void {
    const isDocs = path === '/docs';
    if (!web.docs || !(isDocs || path === '/openapi.json')) {
      return sendJson(at.response, 404, { body: { detail: 'Not Found' } });
    }
    if (at.request.method !== 'GET' && at.request.method !== 'HEAD')
      return refuseVerb(at.response, 'GET, HEAD');
    const document = openApiDocument(this.#options.spec, method, web);
    if (!isDocs) return sendJson(at.response, 200, { body: document });
    const page = docsPage(document);
    const headers = [
      'content-type',
      'text/html; charset=utf-8',
      'content-length',
      String(Buffer.byteLength(page)),
    ];
    at.response.writeHead(200, headers).end(page);
  }
}

function toEndpoint(method: MethodSpec, web: WebSpec): Endpoint {
  const verbs = web.method === 'GET' ? ['GET', 'HEAD', 'OPTIONS'] : [web.method, 'OPTIONS'];
  return {
    method,
    web,
    binder: new ArgumentBinder(method, web.method),
    handler: undefined,
    allow: verbs.join(', '),
  };
}

function accepts(web: WebSpec, verb: string | undefined): boolean {
  return verb === web.method || (verb === 'HEAD' && web.method === 'GET');
}

function refuseVerb(response: ServerResponse, allow: string): void {
  sendJson(response, 405, { body: { detail: 'Method Not Allowed' }, headers: ['allow', allow] });
}

function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  return new Promise((resolve) => {
    // A kept connection becomes idle when its last request ends, of which the server tells nobody.
    const timer = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
    server.close(() => {
      clearInterval(timer);
      resolve();
    });
  });
}

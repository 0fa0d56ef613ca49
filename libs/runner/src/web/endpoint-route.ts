import type { IncomingMessage, ServerResponse } from 'node:http';

import type { EndpointSpec, FunctionSpec, MethodSpec } from '@gantry/protocol';

import { sendAnswer } from './answer.ts';
import { ArgumentBinder, type Incoming } from './bind-arguments.ts';
import { answerOptions } from './cors.ts';
import { docsPage } from './docs-page.ts';
import { sendJson } from './failure.ts';
import { openApiDocument } from './openapi.ts';
import { RoutePath } from './route-path.ts';
import { answerOn } from './upgraded.ts';
import { WebInput } from './web-input.ts';
import type { LeavingConnection, WebContainer, WebRoute } from './web-route.ts';

/** The user's method behind an endpoint. */
export interface WebHandler {
  call(args: unknown[]): unknown;
  /** `design:paramtypes` of the method. */
  readonly paramTypes: readonly unknown[];
}

export interface EndpointRouteOptions {
  spec: FunctionSpec;
  method: MethodSpec;
  web: EndpointSpec;
  container: WebContainer;
  /** Finds the user's code; called once, at the first request. */
  resolveHandler(): WebHandler;
}

/** Serves a method of the user at `/`: arguments from the request, its result as the answer. */
export class EndpointRoute implements WebRoute {
  readonly #options: EndpointRouteOptions;
  readonly #binder: ArgumentBinder;
  readonly #path: RoutePath;
  /** Value of the `allow` header. */
  readonly #allow: string;
  #handler: WebHandler | undefined;

  constructor(options: EndpointRouteOptions) {
    const { method, web } = options;
    this.#options = options;
    this.#binder = new ArgumentBinder(method, web);
    this.#path = new RoutePath(web.path ?? '/');
    this.#allow = [...(web.method === 'GET' ? ['GET', 'HEAD'] : [web.method]), 'OPTIONS'].join(', ');
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const [target, query] = splitTarget(request.url ?? '/');
    if (this.#isOfDocs(target)) return this.#serveDocs(target, request, response);
    const path = this.#path.match(target);
    if (!path) return sendJson(response, 404, { body: { detail: 'Not Found' } });
    if (request.method === 'OPTIONS') return answerOptions(request, response, this.#allow);
    if (!this.#accepts(request.method)) return refuseVerb(response, this.#allow);
    const handler = this.#handlerOnce();
    if (!handler) return sendJson(response, 500, { body: { detail: 'Internal Server Error' } });
    const input = new WebInput(response, this.#options.container);
    void input.run(() => this.#answer(input, handler, { request, query, path }));
  }

  upgrade(request: IncomingMessage, { socket }: LeavingConnection): void {
    const body = { detail: 'this endpoint takes requests, not WebSockets' };
    sendJson(answerOn(request, socket), 400, { body });
  }

  async #answer(
    input: WebInput,
    handler: WebHandler,
    asked: Pick<Incoming, 'request' | 'query' | 'path'>,
  ): Promise<void> {
    const { signal, response, inputId } = input;
    const binding = await this.#binder.bind({ ...asked, signal, paramTypes: handler.paramTypes });
    if (binding.type === 'refused') return input.send(binding.status, { detail: binding.detail });
    if (!(await input.begin())) return;
    const wantsEvents = asked.request.headers.accept?.includes('text/event-stream') ?? false;
    // The answer is sent in the same asynchronous context: generators run while they are sent.
    await this.#options.container.runAs(input, async () =>
      sendAnswer(await handler.call(binding.args), { response, inputId, signal, wantsEvents }),
    );
  }

  #accepts(verb: string | undefined): boolean {
    const { method } = this.#options.web;
    return verb === method || (verb === 'HEAD' && method === 'GET');
  }

  #handlerOnce(): WebHandler | undefined {
    try {
      return (this.#handler ??= this.#options.resolveHandler());
    } catch (error) {
      this.#options.container.onUnexpectedError(error);
      return undefined;
    }
  }

  #isOfDocs(path: string): boolean {
    return this.#options.web.docs && (path === '/docs' || path === '/openapi.json');
  }

  #serveDocs(path: string, request: IncomingMessage, response: ServerResponse): void {
    const { spec, method, web } = this.#options;
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuseVerb(response, 'GET, HEAD');
    const document = openApiDocument(spec, method, web);
    if (path === '/openapi.json') return sendJson(response, 200, { body: document });
    const page = docsPage(document);
    const length = String(Buffer.byteLength(page));
    response.writeHead(200, ['content-type', 'text/html; charset=utf-8', 'content-length', length]).end(page);
  }
}

function refuseVerb(response: ServerResponse, allow: string): void {
  sendJson(response, 405, { body: { detail: 'Method Not Allowed' }, headers: ['allow', allow] });
}

function splitTarget(target: string): [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

import { DEFAULTS, type WebSpec } from '@gantry/protocol';

import { recordMember, WEB_DECORATORS } from './class-members.ts';
import { assertOnMethod, assertParentheses, type MemberDecorator } from './decorator-use.ts';
import { modify } from './modifiers.ts';
import type { EndpointOptions, WebOptions, WebServerOptions } from './options.ts';
import type { AnyFunction } from './registry.ts';
import type { FetchApp, ListenerApp } from './web-apps.ts';
import { checkEndpointOptions, checkWebOptions, checkWebServer } from './web-checks.ts';

/** Decorates a method without parameters that returns `T`. */
export type FactoryDecorator<T> = <F extends () => T | Promise<T>>(
  target: object,
  name: string,
  descriptor: TypedPropertyDescriptor<F>,
) => void;

/**
 * Serves a method, or a free function, over HTTPS: parameters come from the query, the body, the path and headers, and are
 * validated, the result becomes JSON. A method that is only an endpoint takes no remote calls; add
 * `@method()` for both.
 *
 * @throws {@link InvalidError} on unknown options, a wrong HTTP method or label, or off a method.
 *
 * @example
 * ```ts
 * @fastapiEndpoint({ method: 'POST', docs: true }) async scan(body: ScanRequest): Promise<ScanReply> { … }
 *
 * @fastapiEndpoint({ path: '/pages/:id', headers: { token: 'X-Token' } })
 * async page(id: number, token: string, lang: string = 'eng'): Promise<Page> { … }
 * ```
 */
export function fastapiEndpoint(options?: EndpointOptions): MemberDecorator;
export function fastapiEndpoint<A extends unknown[], R>(
  options: EndpointOptions,
  fn: (...args: A) => R,
): (...args: A) => R;
export function fastapiEndpoint(...args: [EndpointOptions?, AnyFunction?]): MemberDecorator | AnyFunction {
  const [options = {}, fn] = args;
  if (typeof fn !== 'function') assertParentheses('fastapiEndpoint', args);
  checkEndpointOptions(options);
  const { method = 'GET', docs = false, path, headers, form } = options;
  const sources = {
    ...(path && path !== '/' && { path }),
    ...(headers && { headers }),
    ...(form && { form }),
  };
  return webModifier({ type: 'endpoint', method, docs, ...sources, ...sharedOf(options) }, fn);
}

/**
 * Serves a whole web application over HTTPS that answers as `fetch` does: the method, or the free function, makes it,
 * once per container, and all paths below the address are its own. With `@concurrent` a container answers many
 * requests at once.
 *
 * @throws {@link InvalidError} on unknown options, a wrong label, or off a method.
 *
 * @example
 * ```ts
 * export const site = app.function(
 *   asgiApp({}, () => new Hono().get('/hello/:name', (c) => c.text(`hello ${c.req.param('name')}`))),
 * );
 * ```
 */
export function asgiApp(options?: WebOptions): FactoryDecorator<FetchApp>;
export function asgiApp<R extends FetchApp | Promise<FetchApp>>(options: WebOptions, fn: () => R): () => R;
export function asgiApp(
  ...args: [WebOptions?, AnyFunction?]
): FactoryDecorator<FetchApp> | MemberDecorator | AnyFunction {
  return appModifier('asgi', args);
}

/**
 * Serves a web application for Node's HTTP server over HTTPS: Express, Fastify, Koa, or any `(request, response)`
 * listener. The method, or the free function, makes it, once per container; it must not listen itself.
 *
 * @throws {@link InvalidError} on unknown options, a wrong label, or off a method.
 *
 * @example
 * ```ts
 * export const site = app.function(wsgiApp({}, () => express().get('/', (request, response) => response.send('hello'))));
 * ```
 */
export function wsgiApp(options?: WebOptions): FactoryDecorator<ListenerApp>;
export function wsgiApp<R extends ListenerApp | Promise<ListenerApp>>(
  options: WebOptions,
  fn: () => R,
): () => R;
export function wsgiApp(
  ...args: [WebOptions?, AnyFunction?]
): FactoryDecorator<ListenerApp> | MemberDecorator | AnyFunction {
  return appModifier('wsgi', args);
}

/**
 * Serves a program of any kind over HTTPS: the method, or the free function, starts it and returns, once per container.
 * Requests go to it as soon as it listens at `port`, which it also finds in the variable `PORT`.
 *
 * @throws {@link InvalidError} on a wrong port, unknown options, a wrong label, or off a method.
 *
 * @example
 * ```ts
 * export const files = app.function(
 *   webServer(8000, { startupTimeoutMs: 20_000 }, () => {
 *     spawn('python3', ['-m', 'http.server', '8000', '--directory', '/data'], { stdio: 'inherit' });
 *   }),
 * );
 * ```
 */
export function webServer(port: number, options?: WebServerOptions): FactoryDecorator<unknown>;
export function webServer<R>(port: number, options: WebServerOptions, fn: () => R): () => R;
export function webServer(
  ...args: [number, WebServerOptions?, AnyFunction?]
): FactoryDecorator<unknown> | MemberDecorator | AnyFunction {
  const [port, options = {}, fn] = args;
  checkWebServer(port, options);
  const { startupTimeoutMs = DEFAULTS.webServerStartupTimeoutMs } = options;
  return webModifier({ type: 'server', port, startupTimeoutMs, ...sharedOf(options) }, fn);
}

function appModifier(type: 'asgi' | 'wsgi', args: [WebOptions?, AnyFunction?]) {
  const [options = {}, fn] = args;
  const name = WEB_DECORATORS[type];
  if (typeof fn !== 'function') assertParentheses(name, args);
  checkWebOptions(`@${name}`, options);
  return webModifier({ type, ...sharedOf(options) }, fn);
}

function webModifier(web: WebSpec, fn: AnyFunction | undefined): MemberDecorator | AnyFunction {
  if (fn) return modify(fn, { web });
  const decorator: MemberDecorator = (...use) => {
    assertOnMethod(WEB_DECORATORS[web.type], use);
    recordMember(use[0], { name: use[1], web });
  };
  return decorator;
}

function sharedOf(options: WebOptions): Pick<WebSpec, 'label' | 'customDomains' | 'requiresProxyAuth'> {
  const { label, customDomains = [], requiresProxyAuth } = options;
  return {
    ...(label !== undefined && { label }),
    ...(customDomains.length > 0 && { customDomains: [...customDomains] }),
    ...(requiresProxyAuth && { requiresProxyAuth }),
  };
}

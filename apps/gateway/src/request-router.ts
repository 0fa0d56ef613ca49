import type { IncomingMessage, ServerResponse } from 'node:http';

import { InvalidError } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from './injection.ts';
import { sendError, sendUrlTooLong } from './pages/error-answer.ts';
import type { OwnPages } from './pages/own-pages.ts';
import { LimitedProxy } from './proxy/limited-proxy.ts';
import type { LeavingConnection } from './proxy/upgrade.ts';
import { parseHost } from './routing/host-name.ts';
import { RouteTable } from './routing/route-table.ts';

/** What servers and proxies elsewhere agree on, and more than browsers show. */
const MAX_URL = 16 * 1024;

/** Decides by its host name who answers a request: a function, the gateway itself, or nobody. */
@onePerGateway()
export class RequestRouter {
  readonly #routes: RouteTable;
  readonly #proxy: LimitedProxy;
  readonly #pages: OwnPages;

  constructor(
    @inject(RouteTable) routes: RouteTable,
    @inject(LimitedProxy) proxy: LimitedProxy,
    @inject(TOKENS.pages) pages: OwnPages,
  ) {
    this.#routes = routes;
    this.#proxy = proxy;
    this.#pages = pages;
  }

  /** Name for the certificate of a host that a function answers: itself, or the wildcard that stands for it. */
  certificateName(host: string): string | undefined {
    const route = this.#routes.find(host);
    return route && (route.host.startsWith('*') ? route.host : host);
  }

  /** `connection` is given for a handshake of WebSocket. */
  route(request: IncomingMessage, response: ServerResponse, connection?: LeavingConnection): void {
    const { headers, rawHeaders, url = '/' } = request;
    if (url.length > MAX_URL) return sendUrlTooLong(request, response, MAX_URL);
    const isPath = url.startsWith('/');
    const asked = isPath ? undefined : parseAbsolute(url);
    if (asked) setHost(request, asked.authority);
    const host = asked?.host ?? (hasOneHost(rawHeaders) ? parseHost(headers.host) : undefined);
    // A star asks about the server as such.
    const target = isPath ? url : url === '*' ? '/' : asked?.target;
    if (host === undefined || target === undefined) {
      return sendError(request, response, new InvalidError('the request names no valid host and path'));
    }
    const route = this.#routes.find(host);
    if (route) return this.#proxy.forward({ request, response, target, connection, trace: {} }, route);
    this.#pages.serve(request, response, host);
  }
}

/** What a whole address as target says. */
interface AskedAddress {
  host: string | undefined;
  authority: string;
  target: string;
}

/** A proxy's form of a request target: `GET https://host/path`. */
function parseAbsolute(url: string): AskedAddress | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, pathname, search } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') return undefined;
  return { host: parseHost(host), authority: host, target: pathname + search };
}

/** The container must not hear of another host than the one that was asked for. */
function setHost({ headers, rawHeaders }: IncomingMessage, authority: string): void {
  headers.host = authority;
  const others = rawHeaders.filter((_, index) => rawHeaders[index - (index % 2)]?.toLowerCase() !== 'host');
  rawHeaders.splice(0, rawHeaders.length, 'host', authority, ...others);
}

/** Who sends two leaves it to each reader which one to believe. */
function hasOneHost(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const { length } = rawHeaders[i] as string;
    if (length === 4 && rawHeaders[i]?.toLowerCase() === 'host') hosts += 1;
  }
  return hosts === 1;
}

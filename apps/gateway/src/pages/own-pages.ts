import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';

import { IDENTITY_DISCOVERY_PATH, IDENTITY_KEYS_PATH, type IdentityRecord } from '@gantry/protocol';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';

import { isOwnHost } from '../routing/host-name.ts';
import { sendMisdirected, sendUnknownHost } from './error-answer.ts';
import { renderPage } from './page.ts';

export interface OwnPagesOptions {
  domain: string;
  caPem: string;
  /** What tokens of containers are signed with, once there is something. */
  identity: () => Promise<IdentityRecord | undefined>;
  /** True for host names that a connection is made for, not a request. */
  isTunnel: (host: string) => boolean;
  /** In the text format of Prometheus. */
  metrics: () => string;
}

/**
 * The pages of the bare domain: a greeting, a health check, the authority's certificate, and what others need to check
 * the tokens of containers. They name no app.
 */
export class OwnPages {
  readonly #domain: string;
  readonly #isTunnel: (host: string) => boolean;
  readonly #listener: ReturnType<typeof getRequestListener>;

  constructor(options: OwnPagesOptions) {
    this.#domain = options.domain;
    this.#isTunnel = options.isTunnel;
    // User code runs in other processes, but the platform's own parts share this one's globals.
    this.#listener = getRequestListener(createPages(options).fetch, { overrideGlobalObjects: false });
  }

  /** Answers for a host that no function has: with a page if it is the gateway's own. */
  serve(request: IncomingMessage, response: ServerResponse, host: string): void {
    if (isOwnHost(host, this.#domain)) void this.#listener(request, response);
    else if (this.#isTunnel(host)) sendMisdirected(request, response, host);
    else sendUnknownHost(request, response, host);
  }
}

function createPages(options: OwnPagesOptions): Hono<{ Bindings: HttpBindings }> {
  const pages = new Hono<{ Bindings: HttpBindings }>();
  pages.get('/', (context) =>
    context.html(
      renderPage({
        status: 'Gantry',
        title: 'The gateway is running',
        lines: [
          `Apps answer under names below ${options.domain}; "gantry deploy" prints their addresses.`,
          "To trust their certificates on another machine, install the authority's certificate:",
        ],
        code: `curl -k https://${options.domain}/ca.pem`,
      }),
    ),
  );
  for (const path of ['/health', '/healthz']) pages.get(path, (context) => context.json({ status: 'ok' }));
  pages.get('/metrics', (context) => {
    if (!isNear(context.env.incoming)) return context.notFound();
    context.header('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    return context.body(options.metrics());
  });
  pages.get('/ca.pem', (context) =>
    context.body(options.caPem, 200, { 'content-type': 'application/x-pem-file' }),
  );
  pages.get(IDENTITY_DISCOVERY_PATH, async (context) => {
    const identity = await options.identity();
    return identity ? context.json(discoveryOf(identity)) : context.notFound();
  });
  pages.get(IDENTITY_KEYS_PATH, async (context) => {
    const keys = (await options.identity())?.keys ?? [];
    const jwks = keys.map(({ id, publicKey: { n, e } }) => ({
      kty: 'RSA',
      use: 'sig',
      alg: 'RS256',
      kid: id,
      n,
      e,
    }));
    return context.json({ keys: jwks });
  });
  pages.notFound((context) => {
    if (context.req.header('accept')?.includes('text/html')) {
      return context.html(
        renderPage({ status: '404 Not Found', title: 'There is nothing here', lines: [] }),
        404,
      );
    }
    return context.json(
      { type: 'about:blank', title: 'Not Found', status: 404, detail: 'no such page' },
      404,
    );
  });
  return pages;
}

/** How busy a platform is concerns its operators: this machine, and private networks. */
function isNear({ socket }: IncomingMessage): boolean {
  const { remoteAddress = '' } = socket;
  const address = remoteAddress.replace(/^::ffff:/, '');
  return NEAR.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

const NEAR = new BlockList();
NEAR.addSubnet('127.0.0.0', 8, 'ipv4');
NEAR.addSubnet('10.0.0.0', 8, 'ipv4');
NEAR.addSubnet('172.16.0.0', 12, 'ipv4');
NEAR.addSubnet('192.168.0.0', 16, 'ipv4');
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');

/** As OpenID Connect Discovery has it: where the keys are, and what they sign. */
function discoveryOf({ issuer }: IdentityRecord): object {
  return {
    issuer,
    jwks_uri: issuer + IDENTITY_KEYS_PATH,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import type { SecureContext } from 'node:tls';

import { InvalidError } from '@gantry/protocol';

import type { Acme } from './acme/open-acme.ts';
import type { HostCertificates } from './certificates/host-certificates.ts';
import { answerClientErrors } from './client-errors.ts';
import type { GatewayConfig } from './config.ts';
import { Http2Side } from './http2.ts';
import { inject, onePerGateway, TOKENS } from './injection.ts';
import { sendError } from './pages/error-answer.ts';
import { answerPlainHttp, createRedirectServer } from './plain-http.ts';
import { hasBody } from './proxy/request-body.ts';
import { answerOn, isWebSocket, type LeavingConnection } from './proxy/upgrade.ts';
import { RequestRouter } from './request-router.ts';
import { parseHost } from './routing/host-name.ts';
import type { Tunnels } from './tunnels/tunnels.ts';

const MAX_HEADER_BYTES = 64 * 1024;
/** A client has this long to send its headers … */
const HEADERS_TIMEOUT_MS = 15_000;
/** … and this long for its whole request, which may be an upload of gigabytes. */
const REQUEST_TIMEOUT_MS = 3_600_000;
/** The gateway's own choice, best first. */
const PROTOCOLS = ['h2', 'http/1.1'];
const HANDSHAKE_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 65_000;
const SWEEP_MS = 5_000;
const RENEWAL_CHECK_MS = 12 * 3600 * 1000;
/** Requests that run when the gateway stops have this long to end. */
const DRAIN_MS = 30_000;
/** What is refused then has this long to reach its client. */
const LAST_WORDS_MS = 200;

/** The public HTTPS port: one for all host names. */
@onePerGateway()
export class Gateway {
  readonly #config: GatewayConfig;
  readonly #certificates: HostCertificates;
  readonly #router: RequestRouter;
  #tunnels: Tunnels | undefined;
  #server: Server | undefined;
  #redirects: TcpServer | undefined;
  #http2: Http2Side | undefined;
  /** Connections that are, or want to be, WebSockets: the server does not count them any more. */
  readonly #webSockets = new Set<Socket>();
  #renewal: NodeJS.Timeout | undefined;

  constructor(
    @inject(TOKENS.config) config: GatewayConfig,
    @inject(TOKENS.certificates) certificates: HostCertificates,
    @inject(RequestRouter) router: RequestRouter,
  ) {
    this.#config = config;
    this.#certificates = certificates;
    this.#router = router;
  }

  /** Starts to listen; returns the port. Connections for tunnels are theirs, and an authority's its own. */
  async listen(tunnels: Tunnels, acme?: Pick<Acme, 'answerAt' | 'tls'>): Promise<number> {
    this.#tunnels = tunnels;
    const fallback = await this.#certificates.fallback();
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      this.#onRequest(request, response);
    const server = createServer(
      {
        cert: fallback.certificate,
        key: fallback.privateKey,
        minVersion: 'TLSv1.2',
        ALPNCallback: ({ servername, protocols }) => {
          const tunnel = tunnels.find(servername);
          return tunnel
            ? tunnels.protocolOf(tunnel, protocols)
            : PROTOCOLS.find((protocol) => protocols.includes(protocol));
        },
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connectionsCheckingInterval: SWEEP_MS,
        noDelay: true,
        SNICallback: (name, done) => this.#onServerName(name, done),
      },
      onRequest,
    );
    this.#server = server;
    this.#http2 = new Http2Side(server, {
      maxHeaderBytes: MAX_HEADER_BYTES,
      idleMs: KEEP_ALIVE_MS,
      onRequest,
    });
    tunnels.takeFrom(server);
    const plain = { firstByteTimeoutMs: HANDSHAKE_TIMEOUT_MS, answerAt: acme?.answerAt };
    answerPlainHttp(server, { ...plain, take: acme && ((socket, bytes) => acme.tls.take(socket, bytes)) });
    server.on('checkContinue', onRequest);
    server.on('upgrade', (request, socket, head: Buffer) =>
      this.#onUpgrade(request, { socket: socket as Socket, head }),
    );
    answerClientErrors(server);
    server.on('error', (error) => this.#config.log.error({ err: error }, 'gateway server failed'));
    this.#renewal = setInterval(() => void this.#renewFallback(server), RENEWAL_CHECK_MS).unref();
    const { host, httpPort } = this.#config;
    await listen(server, this.#config);
    const { port } = server.address() as AddressInfo;
    if (httpPort !== undefined) {
      this.#redirects = createRedirectServer(port, plain);
      await listen(this.#redirects, { host, port: httpPort });
    }
    return port;
  }

  /**
   * Takes no more connections, closes those that are idle, and lets requests end that run or wait. When their time is over
   * `onLate` is called, for those that wait, and what is left is cut off.
   */
  async close(onLate: () => void): Promise<void> {
    clearInterval(this.#renewal);
    const server = this.#server;
    if (!server) return;
    this.#redirects?.close();
    this.#tunnels?.close();
    const drainMs = this.#config.drainMs ?? DRAIN_MS;
    const late = setTimeout(onLate, drainMs);
    const timer = setTimeout(() => this.#cut(server), drainMs + LAST_WORDS_MS);
    void this.#http2?.close();
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    clearTimeout(late);
    clearTimeout(timer);
    clearInterval(sweep);
  }

  #cut(server: Server): void {
    server.closeAllConnections();
    this.#http2?.destroy();
    this.#tunnels?.cut();
    for (const socket of this.#webSockets) socket.destroy();
  }

  #onUpgrade(request: IncomingMessage, connection: LeavingConnection): void {
    const { socket } = connection;
    socket.on('error', () => socket.destroy());
    const response = answerOn(request, socket);
    if (hasBody(request)) {
      return sendError(request, response, new InvalidError('a request to leave HTTP cannot have a body'));
    }
    if (!isWebSocket(request)) return this.#onRequest(request, response);
    this.#webSockets.add(socket);
    socket.once('close', () => this.#webSockets.delete(socket));
    this.#onRequest(request, response, connection);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, connection?: LeavingConnection): void {
    try {
      this.#router.route(request, response, connection);
    } catch (error) {
      this.#config.log.error({ err: error }, 'a request failed in the gateway');
      sendError(request, response, error);
    }
  }

  #onServerName(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const asked = parseHost(name);
    const given = asked && this.#certificates.fromFiles(asked);
    if (given) return done(null, given);
    const host = asked && this.#router.certificateName(asked);
    if (host === undefined) return done(null);
    this.#certificates.contextFor(host).then(
      (context) => done(null, context),
      (error: unknown) => {
        this.#config.log.error({ err: error, host }, 'no certificate could be issued');
        // The fallback covers most names.
        done(null);
      },
    );
  }

  async #renewFallback(server: Server): Promise<void> {
    try {
      const { certificate, privateKey } = await this.#certificates.fallback();
      server.setSecureContext({ cert: certificate, key: privateKey });
    } catch (error) {
      this.#config.log.error({ err: error }, 'the fallback certificate could not be renewed');
    }
  }
}

function listen(server: TcpServer, { host, port }: Pick<GatewayConfig, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

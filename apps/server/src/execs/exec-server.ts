import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { NotFoundError } from '@gantry/protocol';
import { WebSocketServer } from 'ws';

import type { HttpServerOptions } from '../http-server.ts';
import { CLOSE_GOING_AWAY, CLOSE_POLICY, refuse, SUBPROTOCOL, urlOf } from '../routes/upgrades.ts';
import type { TokenCheck } from '../token-check.ts';
import { ExecRelay, type ExecPlace } from './exec-relay.ts';
import { ShellStarter } from './shell-starter.ts';

const PATH =
  /^\/v1\/(?<kind>containers\/(?<containerId>[^/]+)\/exec|functions\/(?<functionId>[^/]+)\/shell)$/;
const LARGEST_FRAME_BYTES = 1024 * 1024;

/** Upgrades `/v1/containers/:id/exec` and `/v1/functions/:id/shell` to WebSockets, each for one program. */
export class ExecServer {
  readonly #options: HttpServerOptions;
  readonly #token: TokenCheck;
  readonly #shells: ShellStarter;
  readonly #sockets: WebSocketServer;
  /** By the digest of the token that opened it. */
  readonly #open = new Map<ExecRelay, string>();

  constructor(options: HttpServerOptions, token: TokenCheck) {
    this.#options = options;
    this.#token = token;
    this.#shells = new ShellStarter(options);
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: LARGEST_FRAME_BYTES,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    options.tokens.onChange(() => this.#closeRevoked());
  }

  /** Whether an upgrade is for this server of WebSockets. */
  isFor(request: IncomingMessage): boolean {
    return PATH.test(URL.parse(request.url ?? '/', 'http://server')?.pathname ?? '');
  }

  /** Answers an HTTP upgrade: with a WebSocket, or with problem details. Never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    try {
      const { authorization, 'sec-websocket-protocol': subprotocols } = request.headers;
      const digest = this.#token.requireUpgrade(authorization, subprotocols);
      const { containerId, functionId = '' } = PATH.exec(urlOf(request).pathname)?.groups ?? {};
      const place = containerId
        ? () => Promise.resolve(this.#find(containerId))
        : () => this.#shells.start(functionId);
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const relay = new ExecRelay({ webSocket, messaging: this.#options.messaging, place });
        this.#open.set(relay, digest);
        webSocket.on('close', () => this.#open.delete(relay));
      });
    } catch (error) {
      refuse(socket, error);
    }
  }

  close(): void {
    for (const relay of this.#open.keys()) relay.close(CLOSE_GOING_AWAY, 'the server stops');
    this.#sockets.close();
  }

  #closeRevoked(): void {
    for (const [relay, digest] of this.#open) {
      if (!this.#token.isGood(digest)) relay.close(CLOSE_POLICY, 'its token was revoked');
    }
  }

  #find(containerId: string): ExecPlace {
    const found = this.#options.workers
      .containers()
      .find(({ container }) => container.containerId === containerId);
    if (found) return { workerId: found.worker.workerId, containerId };
    throw new NotFoundError(`container "${containerId}" does not run`, {
      hint: 'List what runs: `gantry container list`.',
    });
  }
}

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { CallSession } from '@gantry/messaging';
import {
  type ClientMessage,
  DeserializationError,
  decodeFrame,
  encodeFrame,
  GantryError,
  InvalidError,
  NotFoundError,
  type ServerMessage,
} from '@gantry/protocol';
import { type WebSocket, WebSocketServer } from 'ws';

import { fitWarnings } from '../deploy/machine-fit.ts';
import type { HttpServerOptions } from '../http-server.ts';
import type { TokenCheck } from '../token-check.ts';
import { VERSION } from '../version.ts';
import { CLOSE_GOING_AWAY, CLOSE_POLICY, closeReason, refuse, SUBPROTOCOL, urlOf } from './upgrades.ts';

const SESSION_KEY = /^[0-9A-Za-z]{6}$/;
const LARGEST_FRAME_BYTES = 128 * 1024 ** 2;
const MOST_BUFFERED_BYTES = 256 * 1024 ** 2;
const CHECK_EVERY_MS = 30_000;

interface Accepted {
  key: string;
  /** Of its token. */
  digest: string;
}

/** Upgrades `/v1/session` to WebSockets, and runs a session over each. */
export class SessionServer {
  readonly #options: HttpServerOptions;
  readonly #token: TokenCheck;
  readonly #sockets: WebSocketServer;
  /** By the digest of the token that opened it. */
  readonly #open = new Map<SessionSocket, string>();
  readonly #check: NodeJS.Timeout;

  constructor(options: HttpServerOptions, token: TokenCheck) {
    this.#options = options;
    this.#token = token;
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: LARGEST_FRAME_BYTES,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    options.tokens.onChange(() => this.#closeRevoked());
    this.#check = setInterval(() => {
      for (const session of this.#open.keys()) session.checkAlive();
    }, CHECK_EVERY_MS);
  }

  /** Answers an HTTP upgrade: with a session, or with problem details. Never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    try {
      const accepted = this.#accept(request);
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#run(webSocket, accepted));
    } catch (error) {
      refuse(socket, error);
    }
  }

  close(): void {
    clearInterval(this.#check);
    for (const session of this.#open.keys()) session.close(CLOSE_GOING_AWAY, 'the server stops');
    this.#sockets.close();
  }

  #accept(request: IncomingMessage): Accepted {
    const url = urlOf(request);
    if (url.pathname !== '/v1/session') {
      throw new NotFoundError(`the server has no WebSocket at "${url.pathname}"`);
    }
    const { headers } = request;
    const digest = this.#token.requireUpgrade(headers.authorization, headers['sec-websocket-protocol']);
    const key = url.searchParams.get('key') ?? '';
    if (SESSION_KEY.test(key)) return { key, digest };
    throw new InvalidError(`"${key}" is no session key`, { hint: 'A session key has 6 letters and digits.' });
  }

  #run(webSocket: WebSocket, { key, digest }: Accepted): void {
    const session = new SessionSocket(webSocket, key, this.#options);
    this.#open.set(session, digest);
    webSocket.on('close', () => this.#open.delete(session));
  }

  // The client comes back, and is told then that its token is not valid.
  #closeRevoked(): void {
    for (const [session, digest] of this.#open) {
      if (!this.#token.isGood(digest)) session.close(CLOSE_POLICY, 'its token was revoked');
    }
  }
}

/** One session: frames in, frames out, everything of one turn of the event loop in one frame. */
class SessionSocket {
  readonly #webSocket: WebSocket;
  readonly #session: CallSession;
  #outgoing: ServerMessage[] = [];
  #alive = true;

  constructor(webSocket: WebSocket, sessionKey: string, options: HttpServerOptions) {
    const { messaging, functions, demand, workers, serverId, config } = options;
    this.#webSocket = webSocket;
    this.#session = new CallSession({
      messaging,
      functions,
      sessionKey,
      send: (message) => this.#send(message),
      assertPlaceable: (spec) => void fitWarnings([spec], workers.statuses()),
      onSubmit: (submission) => demand.add(submission),
    });
    webSocket.on('message', (data: Buffer, isBinary: boolean) => this.#receive(data, isBinary));
    webSocket.on('pong', () => {
      this.#alive = true;
    });
    webSocket.on('close', () => this.#session.close());
    webSocket.on('error', (err) => config.log.debug({ err, sessionKey }, 'session socket'));
    this.#send({ type: 'welcome', serverId, serverVersion: VERSION, workspace: config.workspace });
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, closeReason(reason));
  }

  /** Ends the session of a client that did not answer the last ping. */
  checkAlive(): void {
    if (!this.#alive) {
      this.#webSocket.terminate();
      return;
    }
    this.#alive = false;
    this.#webSocket.ping();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#alive = true;
    try {
      if (!isBinary) throw new InvalidError('a session speaks binary frames');
      const messages = decodeFrame<ClientMessage[]>(data);
      if (!Array.isArray(messages)) throw new DeserializationError('a frame must be an array of messages');
      for (const message of messages) this.#session.receive(message);
    } catch (error) {
      this.close(
        CLOSE_POLICY,
        error instanceof GantryError ? error.message : 'the frame could not be handled',
      );
    }
  }

  #send(message: ServerMessage): void {
    this.#outgoing.push(message);
    if (this.#outgoing.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const messages = this.#outgoing;
    this.#outgoing = [];
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    // A client that does not read must not fill this process: it comes back and asks for its calls.
    if (this.#webSocket.bufferedAmount > MOST_BUFFERED_BYTES) this.#webSocket.terminate();
    else this.#webSocket.send(encodeFrame(messages), { binary: true });
  }
}

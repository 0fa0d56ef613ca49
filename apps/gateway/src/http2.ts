import {
  constants,
  createSecureServer,
  Http2ServerResponse,
  type Http2SecureServer,
  type Http2ServerRequest,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
} from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { TLSSocket } from 'node:tls';

const MAX_STREAMS = 250;
/** Windows of 64 KiB, the default, would let one upload wait for its network after each of them. */
const WINDOW_BYTES = 1024 * 1024;

export interface Http2Options {
  /** Largest head of a request. */
  maxHeaderBytes: number;
  /** A connection without requests is closed after that long. */
  idleMs: number;
  onRequest(request: IncomingMessage, response: ServerResponse): void;
}

/** HTTP/2 on the connections of an HTTPS server whose clients want it. */
export class Http2Side {
  readonly #sessions = new Set<ServerHttp2Session>();

  /** Takes over the server's connections that agreed on HTTP/2. */
  constructor(server: Server, options: Http2Options) {
    const http2 = createSecureServer({
      Http2ServerResponse: PlainHttp2Response,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: options.maxHeaderBytes,
        initialWindowSize: WINDOW_BYTES,
        enableConnectProtocol: false,
      },
    });
    http2.on('session', (session) => this.#hold(session, options.idleMs));
    const onRequest = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
      toPlainRequest(request);
      const { stream } = response;
      // Node's own says nothing about that.
      Object.defineProperty(response, 'destroyed', { get: () => stream.destroyed || stream.closed });
      // The classes of HTTP/2 do what those of HTTP/1 do, as far as the gateway uses them.
      options.onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    };
    http2.on('request', onRequest);
    http2.on('checkContinue', onRequest);
    // Garbage of one client: its session is gone, and nobody else is concerned.
    http2.on('sessionError', () => undefined);
    divert(server, http2);
  }

  /** Lets running requests end; resolves when all connections are closed. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#sessions].map((session) => new Promise<void>((resolve) => session.close(() => resolve()))),
    );
  }

  /** Cuts all connections. */
  destroy(): void {
    for (const session of this.#sessions) session.destroy();
  }

  #hold(session: ServerHttp2Session, idleMs: number): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    session.setLocalWindowSize(WINDOW_BYTES * 4);
    session.setTimeout(idleMs, () => session.close());
  }
}

function divert(server: Server, http2: Http2SecureServer): void {
  const [speakHttp1] = server.listeners('secureConnection') as ((this: Server, socket: TLSSocket) => void)[];
  if (!speakHttp1) throw new Error('an HTTPS server has no listener for secure connections');
  server.removeListener('secureConnection', speakHttp1);
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') http2.emit('secureConnection', socket);
    else speakHttp1.call(server, socket);
  });
}

/** Gives a request the form that it would have had over HTTP/1: a host, one cookie header, no pseudo headers. */
function toPlainRequest({ headers, rawHeaders, authority, stream }: Http2ServerRequest): void {
  const plain: string[] = ['host', authority];
  const cookies: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    if (name === 'cookie') cookies.push(value);
    else if (!name.startsWith(':') && name !== 'host') plain.push(name, value);
  }
  if (cookies.length > 0) plain.push('cookie', cookies.join('; '));
  rawHeaders.splice(0, rawHeaders.length, ...plain);
  headers.host = authority;
  // A body without a length needs no header in HTTP/2.
  if (!stream.endAfterHeaders && headers['content-length'] === undefined) {
    headers['transfer-encoding'] = 'chunked';
  }
}

/** Connection headers have no meaning in HTTP/2, where sending one is an error. */
const HTTP1_ONLY = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** Takes what one of HTTP/1 takes. */
class PlainHttp2Response extends Http2ServerResponse {
  /** Half an answer must not look whole. */
  override destroy(): this {
    this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return this;
  }

  override writeHead(statusCode: number, ...rest: unknown[]): this {
    const headers: OutgoingHttpHeaders = {};
    const flat = (rest.findLast((each) => Array.isArray(each)) ?? []) as string[];
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name = '', value = ''] = [flat[i]?.toLowerCase(), flat[i + 1]];
      if (HTTP1_ONLY.has(name)) continue;
      const before = headers[name];
      headers[name] = before === undefined ? value : [before, value].flat().map(String);
    }
    return super.writeHead(statusCode, headers);
  }
}

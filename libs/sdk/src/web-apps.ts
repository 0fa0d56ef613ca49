/**
 * A web application that answers as `fetch` does: a Hono, H3 or Elysia app, or any object with `fetch`. One per
 * container.
 */
export interface FetchApp {
  /**
   * Answers one request. Its `url` is the one that the client asked for; its `signal` fires when the client leaves or
   * the function's `timeoutMs` is over. Undefined is an answer only where `server.upgrade` made the connection a
   * WebSocket.
   */
  fetch(request: Request, server: FetchServer): Response | undefined | Promise<Response | undefined>;
  /** What happens on WebSockets. Without it, no request can become one. */
  websocket?: WebSocketHandlers<never>;
  /** Runs once before the first request; a container whose app fails here does not start. */
  startup?(): void | Promise<void>;
  /** Runs once after the last request, before `@exit` hooks. */
  shutdown?(): void | Promise<void>;
}

/** What a {@link FetchApp} gets beside a request, as from Bun. In a Hono app it is `c.env`. */
export interface FetchServer {
  /**
   * Makes the connection of a request a WebSocket, whose `data` is that of the options. False if the request is no
   * handshake. The input lasts as long as the connection: `timeoutMs` holds for it, and it takes a place.
   */
  upgrade(
    request: Request,
    options?: { headers?: Headers | Record<string, string>; data?: unknown },
  ): boolean;
  /** Address of the client. */
  requestIP(request: Request): { address: string } | null;
}

/**
 * What an app does with its WebSockets. Messages of clients have at most 2 MiB.
 *
 * @example
 * ```ts
 * asgiApp({}, () => ({
 *   fetch: (request, server) => (server.upgrade(request) ? undefined : new Response('a WebSocket, please', { status: 426 })),
 *   websocket: { message: (socket, text) => socket.send(`you said ${text}`) },
 * }))
 * ```
 */
export interface WebSocketHandlers<TData = unknown> {
  open?(socket: ServerSocket<TData>): unknown;
  /** Text comes as a string, bytes as a buffer. */
  message?(socket: ServerSocket<TData>, message: string | Buffer<ArrayBuffer>): unknown;
  close?(socket: ServerSocket<TData>, code: number, reason: string): unknown;
}

/** The server's end of a WebSocket. */
export interface ServerSocket<TData = unknown> {
  data: TData;
  /** Connecting, open, closing, closed. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** Sends text as text, bytes as bytes. Lost if the connection is closed. */
  send(message: string | ArrayBufferLike | ArrayBufferView): void;
  ping(data?: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** Cuts the connection without a word to the client. */
  terminate(): void;
  /** Bytes that wait for the client to take them. */
  getBufferedAmount(): number;
}

/**
 * A web application for the HTTP server of Node: a listener such as an Express app, a server of `node:http` that
 * listens nowhere, a Fastify instance, or a Koa app. One per container.
 */
export type ListenerApp =
  | ((request: never, response: never) => unknown)
  | { emit(event: string, ...values: never[]): boolean; listening: boolean }
  | { ready(): PromiseLike<unknown>; readonly server: object; close(): PromiseLike<unknown> }
  | { callback(): (request: never, response: never) => unknown };

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

import type { RawData, WebSocket, WebSocketServer } from 'ws';

import type { WebInput } from './web-input.ts';
import type { WebContainer } from './web-route.ts';

/** Largest message of a client, in bytes; above it, its connection is closed with code 1009. */
const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
const INTERNAL_ERROR = 1011;

/** What an app does with its WebSockets, as far as it wants to. */
export interface WebSocketHandlers {
  open?(socket: ServerSocket): unknown;
  message?(socket: ServerSocket, message: string | Buffer): unknown;
  close?(socket: ServerSocket, code: number, reason: string): unknown;
}

/** A request that may become a WebSocket. */
export interface Handshake {
  request: IncomingMessage;
  socket: Socket;
  head: Buffer;
  input: WebInput;
  /** Its connection is no more HTTP. */
  isDone: boolean;
}

export interface UpgradeOptions {
  headers?: Headers | Record<string, string>;
  data?: unknown;
}

/** Makes connections WebSockets, and tells the app what happens on them. */
export class ServerSockets {
  readonly #handlers: WebSocketHandlers;
  readonly #container: WebContainer;
  readonly #server: WebSocketServer;
  #protocol: string | undefined;

  private constructor(handlers: WebSocketHandlers, container: WebContainer, Server: typeof WebSocketServer) {
    this.#handlers = handlers;
    this.#container = container;
    this.#server = new Server({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      // What the app chose; else what the client likes best.
      handleProtocols: (offered) => this.#protocol ?? [...offered][0] ?? false,
    });
  }

  /** Loads the library, which few containers need. */
  static async load(handlers: WebSocketHandlers, container: WebContainer): Promise<ServerSockets> {
    const { WebSocketServer: Server } = await import('ws');
    return new ServerSockets(handlers, container, Server);
  }

  /** Accepts a connection; false if its handshake was none, which the client was told. */
  accept(handshake: Handshake, { headers, data }: UpgradeOptions = {}): boolean {
    const { request, socket, head, input } = handshake;
    const added = new Headers(headers);
    this.#protocol = added.get('sec-websocket-protocol') ?? undefined;
    added.delete('sec-websocket-protocol');
    const addHeaders = (lines: string[]): void => {
      for (const [name, value] of added) lines.push(`${name}: ${value}`);
    };
    let isAccepted = false;
    handshake.isDone = true;
    input.response.detachSocket(socket);
    this.#server.once('headers', addHeaders);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      isAccepted = true;
      this.#serve(webSocket, input, data);
    });
    this.#server.off('headers', addHeaders);
    return isAccepted;
  }

  #serve(webSocket: WebSocket, input: WebInput, data: unknown): void {
    const handlers = this.#handlers;
    const container = this.#container;
    const socket = new ServerSocket(webSocket, data);
    const call = (work: () => unknown): void => {
      const failed = (error: unknown): void => {
        container.onUnexpectedError(error, input.inputId);
        webSocket.close(INTERNAL_ERROR);
      };
      // Each in the context of its input, in the order in which they came.
      container.runAs(input, () => {
        try {
          Promise.resolve(work()).catch(failed);
        } catch (error) {
          failed(error);
        }
      });
    };
    webSocket.on('message', (message, isBinary) =>
      call(() => handlers.message?.(socket, isBinary ? toBuffer(message) : String(message))),
    );
    webSocket.on('close', (code, reason) => call(() => handlers.close?.(socket, code, String(reason))));
    // Followed by 'close', which says it all.
    webSocket.on('error', () => undefined);
    call(() => handlers.open?.(socket));
  }
}

/** With memory of its own: apps look at what is behind it. */
function toBuffer(data: RawData): Buffer {
  const bytes = Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data);
  return Buffer.from(new Uint8Array(bytes).buffer);
}

/** The server's end of a WebSocket, as apps for Bun know it. */
export class ServerSocket {
  /** What the app gave it when it accepted the connection. */
  data: unknown;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, data: unknown) {
    this.#socket = socket;
    this.data = data;
  }

  /** 0 to 3: connecting, open, closing, closed. */
  get readyState(): WebSocket['readyState'] {
    return this.#socket.readyState;
  }

  /** Bytes that wait for the client to take them. */
  getBufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Text goes as text, bytes as bytes. Lost if the connection is closed. */
  send(message: string | ArrayBufferLike | ArrayBufferView): void {
    this.#socket.send(message as string, () => undefined);
  }

  ping(data?: string | Uint8Array): void {
    this.#socket.ping(data, undefined, () => undefined);
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Without a word to the client. */
  terminate(): void {
    this.#socket.terminate();
  }
}

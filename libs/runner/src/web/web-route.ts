import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Answers the requests for one method of a function. */
export interface WebRoute {
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** Answers a handshake of WebSocket. Without it, that is a request like any other. */
  upgrade?(request: IncomingMessage, connection: LeavingConnection): void;
  /** Called once, after the last request. */
  close?(): Promise<void>;
}

/** A connection that Node's server has given away. */
export interface LeavingConnection {
  socket: Socket;
  /** What came behind the request. */
  head: Buffer;
}

/** What the requests of all routes share: one container. */
export interface WebContainer {
  /** Longest one request may run. */
  timeoutMs: number;
  /** Waits for one of the container's input slots, which calls and requests share; returns how to give it back. */
  admit(): Promise<() => void>;
  /** Told of errors whose text the client must not see; of no input if there is none yet. */
  onUnexpectedError(error: unknown, inputId?: string): void;
  /** Runs `work` as the code of an input: what asks for the current input finds it, also after each `await`. */
  runAs<T>(input: { inputId: string; signal: AbortSignal }, work: () => T): T;
}

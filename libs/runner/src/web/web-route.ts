import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Answers the requests for one method of a function. */
export interface WebRoute {
  serve(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Takes over a connection that is to speak another protocol, such as WebSocket. Undefined where HTTP is all there
   * is.
   */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Called once, after the last request. */
  close?(): Promise<void>;
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

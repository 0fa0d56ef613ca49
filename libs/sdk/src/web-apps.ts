/**
 * A web application that answers as `fetch` does: a Hono, H3 or Elysia app, or any object with `fetch`. One per
 * container.
 */
export interface FetchApp {
  /**
   * Answers one request. Its `url` is the one that the client asked for; its `signal` fires when the client leaves or
   * the function's `timeoutMs` is over.
   */
  fetch(request: Request): Response | Promise<Response>;
  /** Runs once before the first request; a container whose app fails here does not start. */
  startup?(): void | Promise<void>;
  /** Runs once after the last request, before `@exit` hooks. */
  shutdown?(): void | Promise<void>;
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

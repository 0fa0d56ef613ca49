import { Server, type IncomingMessage, type ServerResponse } from 'node:http';

import { ContainerError } from '@gantry/protocol';

import { isObject, kindOf } from './kind-of.ts';
import { answerOn } from './upgraded.ts';
import { WebInput } from './web-input.ts';
import type { LeavingConnection, WebContainer, WebRoute } from './web-route.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** An app for Node's HTTP server, whichever framework made it. */
interface ListenerApp {
  listener: Listener;
  /** Takes over connections, if anybody does. */
  server?: Server;
  close?(): unknown;
}

/** Serves an app that is a listener of Node's HTTP server. */
export class ListenerRoute implements WebRoute {
  readonly #app: ListenerApp;
  readonly #container: WebContainer;

  private constructor(app: ListenerApp, container: WebContainer) {
    this.#app = app;
    this.#container = container;
  }

  /**
   * Takes the app that the user's method returned, and has it made ready.
   *
   * @throws ContainerError if it is none, or listens itself.
   */
  static async start(app: unknown, container: WebContainer): Promise<ListenerRoute> {
    return new ListenerRoute(await toListenerApp(app), container);
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const input = new WebInput(response, this.#container);
    void input.run(async () => {
      if (!(await input.begin())) return;
      presentClient(request);
      response.setHeader('gantry-input-id', input.inputId);
      await this.#container.runAs(input, () => this.#answer(request, response));
    });
  }

  upgrade(request: IncomingMessage, { socket, head }: LeavingConnection): void {
    const { server } = this.#app;
    const response = answerOn(request, socket);
    if (!server || server.listenerCount('upgrade') === 0) return this.serve(request, response);
    const input = new WebInput(response, this.#container);
    void input.run(async () => {
      if (!(await input.begin())) return;
      response.detachSocket(socket);
      presentClient(request);
      this.#container.runAs(input, () => server.emit('upgrade', request, socket, head));
      await input.handOver(socket);
    });
  }

  async close(): Promise<void> {
    await this.#app.close?.();
  }

  /** Resolves when the answer is complete; what the listener returns says nothing about that. */
  #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return new Promise((resolve, reject) => {
      response.once('close', resolve);
      Promise.resolve(this.#app.listener(request, response)).catch(reject);
    });
  }
}

/** Frameworks ask the connection who the client is and how it came: the gateway's connection knows neither. */
function presentClient({ socket, headers }: IncomingMessage): void {
  const value = String(headers['x-forwarded-for']);
  Object.defineProperty(socket, 'remoteAddress', { value, configurable: true });
  Object.defineProperty(socket, 'encrypted', { value: true, configurable: true });
}

async function toListenerApp(app: unknown): Promise<ListenerApp> {
  if (app instanceof Server) return ofServer(app);
  if (isFastify(app)) {
    await app.ready();
    return { ...ofServer(app.server), close: () => app.close() };
  }
  if (isKoa(app)) return { listener: app.callback() };
  if (typeof app === 'function') return { listener: app as Listener };
  throw new ContainerError(`a @wsgiApp() method must return a listener of Node, not ${kindOf(app)}`, {
    hint: 'Return an Express, Fastify or Koa app, a server of node:http, or (request, response) => { … }.',
  });
}

function ofServer(server: Server): ListenerApp {
  if (server.listening) {
    throw new ContainerError('the server that a @wsgiApp() method returned listens already', {
      hint: 'Remove listen(): the platform brings the requests.',
    });
  }
  return { server, listener: (request, response) => void server.emit('request', request, response) };
}

function isFastify(
  app: unknown,
): app is { ready(): PromiseLike<unknown>; server: Server; close(): PromiseLike<unknown> } {
  return isObject(app) && 'ready' in app && 'server' in app && app.server instanceof Server;
}

function isKoa(app: unknown): app is { callback(): Listener } {
  return isObject(app) && 'callback' in app && typeof app.callback === 'function';
}

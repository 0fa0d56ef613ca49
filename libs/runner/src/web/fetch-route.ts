import type { IncomingMessage, ServerResponse } from 'node:http';

import { ContainerError } from '@gantry/protocol';

import { isResponse, sendResponse } from './answer.ts';
import { isObject, kindOf } from './kind-of.ts';
import {
  ServerSockets,
  type Handshake,
  type UpgradeOptions,
  type WebSocketHandlers,
} from './server-sockets.ts';
import { answerOn } from './upgraded.ts';
import { WebInput } from './web-input.ts';
import { toWebRequest } from './web-request.ts';
import type { LeavingConnection, WebContainer, WebRoute } from './web-route.ts';

/** What the method of an `asgiApp` returned, as far as it was looked at. */
interface FetchApp {
  fetch(request: Request, server: unknown): unknown;
  websocket?: unknown;
  startup?: unknown;
  shutdown?: unknown;
}

/** Serves an app that answers as `fetch` does. */
export class FetchRoute implements WebRoute {
  readonly #app: FetchApp;
  readonly #container: WebContainer;
  readonly #sockets: ServerSockets | undefined;
  readonly #handshakes = new WeakMap<Request, Handshake>();
  /** What the app gets beside a request. */
  readonly #server = {
    upgrade: (request: Request, options?: UpgradeOptions) => this.#upgrade(request, options),
    requestIP: (request: Request) => addressOf(request),
  };

  private constructor(app: FetchApp, container: WebContainer, sockets: ServerSockets | undefined) {
    this.#app = app;
    this.#container = container;
    this.#sockets = sockets;
  }

  /**
   * Takes the app that the user's method returned, and starts it.
   *
   * @throws ContainerError if it is none, and whatever its `startup` throws.
   */
  static async start(app: unknown, container: WebContainer): Promise<FetchRoute> {
    if (!isFetchApp(app)) {
      throw new ContainerError(`an @asgiApp() method must return an app with "fetch", not ${kindOf(app)}`, {
        hint: 'Return a Hono app, or { fetch: (request) => new Response(…) }.',
      });
    }
    const handlers = isObject(app.websocket) ? (app.websocket as WebSocketHandlers) : undefined;
    const sockets = handlers && (await ServerSockets.load(handlers, container));
    await call(app, 'startup');
    return new FetchRoute(app, container, sockets);
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const input = new WebInput(response, this.#container);
    void input.run(async () => {
      if (!(await input.begin())) return;
      await this.#container.runAs(input, () => this.#answer(input, toWebRequest(request, input)));
    });
  }

  upgrade(request: IncomingMessage, { socket, head }: LeavingConnection): void {
    const input = new WebInput(answerOn(request, socket), this.#container);
    void input.run(async () => {
      if (!(await input.begin())) return;
      const asked = toWebRequest(request, input);
      const handshake: Handshake = { request, socket, head, input, isDone: false };
      this.#handshakes.set(asked, handshake);
      await this.#container.runAs(input, () => this.#answer(input, asked, handshake));
      if (handshake.isDone) await input.handOver(socket);
    });
  }

  async #answer(input: WebInput, request: Request, handshake?: Handshake): Promise<void> {
    const answer = await this.#app.fetch(request, this.#server);
    // Its connection is a WebSocket now: whatever came back is no answer.
    if (handshake?.isDone) return;
    if (!isResponse(answer)) throw new TypeError(`fetch must return a Response, not ${kindOf(answer)}`);
    await sendResponse(answer, input);
  }

  #upgrade(request: Request, options?: UpgradeOptions): boolean {
    const handshake = this.#handshakes.get(request);
    this.#handshakes.delete(request);
    return handshake !== undefined && (this.#sockets?.accept(handshake, options) ?? false);
  }

  close(): Promise<void> {
    return call(this.#app, 'shutdown');
  }
}

function addressOf({ headers }: Request): { address: string } | null {
  const address = headers.get('x-forwarded-for');
  return address === null ? null : { address };
}

async function call(app: FetchApp, hook: 'startup' | 'shutdown'): Promise<void> {
  const listener = app[hook];
  if (typeof listener === 'function') await listener.call(app);
}

function isFetchApp(app: unknown): app is FetchApp {
  return isObject(app) && 'fetch' in app && typeof app.fetch === 'function';
}

import type { IncomingMessage, ServerResponse } from 'node:http';

import { ContainerError } from '@gantry/protocol';

import { isResponse, sendResponse } from './answer.ts';
import { isObject, kindOf } from './kind-of.ts';
import { WebInput } from './web-input.ts';
import { toWebRequest } from './web-request.ts';
import type { WebContainer, WebRoute } from './web-route.ts';

/** What the method of an `asgiApp` returned, as far as it was looked at. */
interface FetchApp {
  fetch(request: Request): unknown;
  startup?: unknown;
  shutdown?: unknown;
}

/** Serves an app that answers as `fetch` does. */
export class FetchRoute implements WebRoute {
  readonly #app: FetchApp;
  readonly #container: WebContainer;

  private constructor(app: FetchApp, container: WebContainer) {
    this.#app = app;
    this.#container = container;
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
    await call(app, 'startup');
    return new FetchRoute(app, container);
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const input = new WebInput(response, this.#container);
    const { signal, inputId } = input;
    void input.run(async () => {
      if (!(await input.begin())) return;
      await this.#container.runAs(input, async () => {
        const answer = await this.#app.fetch(toWebRequest(request, { signal }));
        if (!isResponse(answer)) throw new TypeError(`fetch must return a Response, not ${kindOf(answer)}`);
        await sendResponse(answer, { response, inputId, signal });
      });
    });
  }

  close(): Promise<void> {
    return call(this.#app, 'shutdown');
  }
}

async function call(app: FetchApp, hook: 'startup' | 'shutdown'): Promise<void> {
  const listener = app[hook];
  if (typeof listener === 'function') await listener.call(app);
}

function isFetchApp(app: unknown): app is FetchApp {
  return isObject(app) && 'fetch' in app && typeof app.fetch === 'function';
}

import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import {
  App,
  asgiApp,
  concurrent,
  enter,
  fastapiEndpoint,
  getClientIp,
  Image,
  parameter,
  RemoteFunction,
  wsgiApp,
} from 'gantry';

import { drawBars } from './bars.ts';
import { makeListing } from './listing.ts';
import { totalOf, type Order } from './order.ts';
import { makeSite } from './site.ts';

export const app = new App('web-endpoints', { scaledownWindowMs: 60_000 });

/** Parameters come from the query: `?celsius=21.5&digits=0`. What is no number is answered with 422. */
export const convert = app.function(
  fastapiEndpoint({ docs: true }, async (celsius: number, digits: number = 1) => ({
    celsius,
    fahrenheit: Number((celsius * 1.8 + 32).toFixed(digits)),
  })),
);

/** Takes an order as JSON, checked by the rules of its classes. */
export const order = app.function(
  fastapiEndpoint({ method: 'POST', docs: true }, async (body: Order) => ({
    thanks: body.customer.name,
    lines: body.lines.length,
    totalCents: totalOf(body),
  })),
);

/** A file of a form, and beside it a parameter of the query or the form. */
export const upload = app.function(
  fastapiEndpoint({ method: 'POST', docs: true }, async (file: File, album: string = 'unsorted') => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { album, name: file.name, type: file.type, size: file.size, sha256 };
  }),
);

/** Answers with a file of its own making: whatever is a `Response` is sent as it is. */
export const chart = app.function(
  fastapiEndpoint({}, async (values: number[]) => {
    const headers = {
      'content-type': 'image/svg+xml',
      'content-disposition': 'inline; filename="chart.svg"',
    };
    return new Response(drawBars(values), { headers });
  }),
);

/** Server-sent events, for those who ask for them: each value is on its way as soon as it is there. */
export const countdown = app.function(
  fastapiEndpoint({}, async function* (from: number = 5) {
    for (let n = from; n >= 0; n -= 1) {
      yield `data: ${n}\n\n`;
      if (n > 0) await delay(500);
    }
  }),
);

/** Parts of the path and headers are parameters, too, and the address has a name of its choice. */
export const page = app.function(
  fastapiEndpoint(
    {
      path: '/books/:book/pages/:page',
      headers: { language: 'Accept-Language' },
      label: 'library',
      docs: true,
    },
    async (book: string, page: number, language: string = 'en') => ({ book, page, language }),
  ),
);

/** Only for those who have a token of the workspace: others get 401, and no container starts for them. */
export const vault = app.function(
  fastapiEndpoint({ requiresProxyAuth: true }, async (request: Request) => ({
    secret: 'the cake is in the fridge',
    visitor: getClientIp(request),
  })),
);

/** Takes its time. After 150 s the client is sent to another address, where the answer will be. */
export const slow = app.function(
  { timeoutMs: 900_000 },
  fastapiEndpoint({}, async (seconds: number = 200) => {
    await delay(seconds * 1_000);
    return { waited: seconds };
  }),
);

/** A parameter of a class comes from the query, too, and each value has containers of its own: `?tenant=north`. */
@app.cls()
@concurrent({ maxInputs: 50 })
export class Station {
  @parameter() tenant: string = 'nobody';
  #startedAt = '';
  #visits = 0;

  @enter() start() {
    this.#startedAt = new Date().toISOString();
  }

  @fastapiEndpoint() status() {
    this.#visits += 1;
    return { tenant: this.tenant, startedAt: this.#startedAt, visits: this.#visits };
  }
}

/** An Express app, unchanged. */
export const listing = app.function(wsgiApp({}, makeListing));

/** A Hono app: a page that uploads, listens to events, and talks over a WebSocket. */
export const site = app.function(
  { image: Image.debianSlim().addLocalDir('site', 'site') },
  concurrent(
    { maxInputs: 100 },
    asgiApp({}, () => makeSite({ addressOf })),
  ),
);

/** Where another function of this app is; asked inside a container, as here, or anywhere else. */
function addressOf(name: string): Promise<string | null> {
  return RemoteFunction.fromName('web-endpoints', name).getWebUrl();
}

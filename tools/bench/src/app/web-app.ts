import { App, asgiApp, concurrent, fastapiEndpoint, wsgiApp, type FetchServer } from 'gantry';

import { answerBulk } from './bulk.ts';

export const app = new App('bench-web');

const warm = { scaledownWindowMs: 1_200_000, maxContainers: 1 };
const atOnce = { maxInputs: 1_000 };

export const hello = app.function(
  warm,
  concurrent(
    atOnce,
    fastapiEndpoint({}, async () => ({ hello: 'world' })),
  ),
);

export const bulk = app.function(
  warm,
  concurrent(
    atOnce,
    wsgiApp({}, () => answerBulk),
  ),
);

/** Two containers at the most, as one takes 1,000 at once. */
export const echo = app.function(
  { ...warm, maxContainers: 3 },
  concurrent(
    atOnce,
    asgiApp({}, () => ({
      fetch: (request: Request, server: FetchServer) =>
        server.upgrade(request) ? undefined : new Response('a WebSocket, please', { status: 426 }),
      websocket: { message: (socket, data) => socket.send(data) },
    })),
  ),
);

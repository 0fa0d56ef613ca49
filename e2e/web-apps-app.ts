import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

import express from 'express';
import fastify from 'fastify';
import {
  App,
  asgiApp,
  concurrent,
  currentSignal,
  enter,
  forward,
  getClientIp,
  parameter,
  RemoteFunction,
  webServer,
  wsgiApp,
  type FetchServer,
  type WebSocketHandlers,
} from 'gantry';
import { Hono } from 'hono';

export const app = new App('sites');

export const hono = app.function(
  asgiApp({}, () => {
    const site = new Hono<{ Bindings: FetchServer }>()
      .get('/items/:id', (c) => c.json({ id: c.req.param('id'), url: c.req.url, ip: getClientIp(c.req.raw) }))
      .post('/length', async (c) => {
        let length = 0;
        for await (const chunk of c.req.raw.body ?? []) length += chunk.length;
        return c.text(String(length));
      })
      .get('/chat', (c) => (c.env.upgrade(c.req.raw) ? c.body(null) : c.text('a WebSocket, please', 426)));
    const websocket: WebSocketHandlers = {
      message: (socket, text) => socket.send(`you said ${String(text)}`),
    };
    return { fetch: site.fetch, websocket };
  }),
);

export const shop = app.function(
  wsgiApp({ label: 'shop' }, () => {
    const site = express();
    site.get('/', (request, response) => {
      response.send(`hello from ${request.hostname}`);
    });
    // Its own, another one's, one that is found by name, and that of a function that has none.
    site.get('/addresses', async (_request, response) => {
      const named = RemoteFunction.fromName('sites', 'api');
      const all = [shop, hono, named, plain].map((one) => one.getWebUrl());
      response.json(await Promise.all(all));
    });
    return site;
  }),
);

export const plain = app.function(() => 'no web function');

export const api = app.function(
  wsgiApp({}, () => fastify().get('/who', async (request) => ({ ip: request.ip, host: request.host }))),
);

/** Tells where its program is reached, for as long as somebody wants to know. */
export const door = app.function({ timeoutMs: 120_000 }, async function* () {
  const program = createServer((socket) => socket.pipe(socket));
  await once(program.listen(0, '127.0.0.1'), 'listening');
  const { port } = program.address() as AddressInfo;
  await using tunnel = await forward(port, { unencrypted: true });
  try {
    yield { url: tunnel.url, tls: tunnel.tlsSocket, tcp: tunnel.tcpSocket };
    await new Promise((resolve) => currentSignal()?.addEventListener('abort', resolve));
  } finally {
    program.close();
  }
});

/** A site of its own for each language. */
@app.cls()
@concurrent({ maxInputs: 10 })
export class Greeter {
  @parameter() language: string = 'en';
  #word = '';

  @enter() load() {
    this.#word = { en: 'hello', de: 'hallo' }[this.language] ?? '?';
  }

  @asgiApp() site() {
    return new Hono().get('/greet/:name', (c) => c.text(`${this.#word} ${c.req.param('name')}`));
  }
}

const PROGRAM = `
  const { createServer } = require('node:http');
  createServer((request, response) => {
    if (request.url === '/end') process.exit(0);
    response.end(request.method + ' ' + request.url + ' from ' + process.pid);
  }).listen(Number(process.env.PORT));
`;

/** A program that knows nothing of the platform. */
export const program = app.function(
  webServer(18_080, { startupTimeoutMs: 60_000 }, () => {
    spawn(process.execPath, ['-e', PROGRAM], { stdio: 'inherit' });
  }),
);

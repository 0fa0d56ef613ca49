import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import Koa from 'koa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestEndpoints } from './web-server.fixture.ts';

let site: TestEndpoints;
beforeEach(() => {
  site = new TestEndpoints();
});
afterEach(() => site[Symbol.asyncDispose]());

/** What the gateway says of a client. */
const FROM_CLIENT = {
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.test',
};

async function start(app: unknown, type: 'asgi' | 'wsgi', timeoutMs = 60_000): Promise<void> {
  site.add('app', { type }, { run: () => app });
  await site.start(timeoutMs);
}

describe('a fetch app', () => {
  it('has all paths and verbs below its address, as the client asked for them', async () => {
    const hono = new Hono()
      .get('/items/:id', (c) => c.json({ id: c.req.param('id'), url: c.req.url, sort: c.req.query('sort') }))
      .post('/items', async (c) => c.text(await c.req.text(), 201, { 'x-kept': 'yes' }));
    await start(hono, 'asgi');

    const got = await site.ask('app', { path: '/items/7?sort=up', headers: FROM_CLIENT });
    expect(got.json).toEqual({ id: '7', url: 'https://shop.test/items/7?sort=up', sort: 'up' });
    const posted = await site.ask('app', { verb: 'POST', path: '/items', body: 'a pen' });
    expect(posted).toMatchObject({ status: 201, body: 'a pen', headers: { 'x-kept': 'yes' } });
    expect((await site.ask('app', { path: '/none' })).status).toBe(404);
    expect(await site.ask('app', { verb: 'HEAD', path: '/items/7' })).toMatchObject({
      status: 200,
      body: '',
    });
  });

  it('answers as it likes: nothing is added for pages of other origins, nothing is compressed', async () => {
    const fetch = (request: Request) => new Response(request.headers.get('gantry-method'), { status: 202 });
    await start({ fetch }, 'asgi');

    const { status, headers, body } = await site.ask('app', { headers: { 'accept-encoding': 'gzip' } });
    expect({ status, body }).toEqual({ status: 202, body: '' });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers['gantry-input-id']).toMatch(/^in-/);
  });

  it('sends each event when it is there', async () => {
    let next: () => void = () => undefined;
    const hono = new Hono().get('/', (c) =>
      streamSSE(c, async (stream) => {
        await stream.writeSSE({ data: 'first' });
        await new Promise<void>((resolve) => (next = resolve));
        await stream.writeSSE({ data: 'second' });
      }),
    );
    await start(hono, 'asgi');

    const answer = await site.open('app');
    const [first] = (await answer[Symbol.asyncIterator]().next()).value.toString().split('\n');
    expect(first).toBe('data: first');
    next();
  });

  it('is started before the first request, and shut down after the last', async () => {
    const events: string[] = [];
    await start(
      {
        startup: async () => void events.push('startup'),
        fetch: () => (events.push('request'), new Response('ok')),
        shutdown: () => void events.push('shutdown'),
      },
      'asgi',
    );
    await site.ask('app');
    await site[Symbol.asyncDispose]();

    expect(events).toEqual(['startup', 'request', 'shutdown']);
  });

  it('that throws answers 500, and only the log says why', async () => {
    const fetch = (): Response => {
      throw new Error('the password is hunter2');
    };
    await start({ fetch }, 'asgi');

    const { status, body } = await site.ask('app');
    expect(status).toBe(500);
    expect(body).not.toContain('hunter2');
    expect(site.errors).toMatchObject([{ message: 'the password is hunter2' }]);
  });

  it('that takes longer than its timeout answers 504 and hears of it', async () => {
    let signal: AbortSignal | undefined;
    const fetch = (request: Request): Promise<Response> => {
      signal = request.signal;
      return new Promise((resolve) =>
        request.signal.addEventListener('abort', () => resolve(new Response())),
      );
    };
    await start({ fetch }, 'asgi', 30);

    expect((await site.ask('app')).status).toBe(504);
    expect(signal?.aborted).toBe(true);
    expect(site.slots).toBe(0);
  });

  it('that is none keeps its container from starting', async () => {
    await expect(start({ handle: () => undefined }, 'asgi')).rejects.toThrow(
      'an @asgiApp() method must return an app with "fetch", not an object',
    );
  });
});

const LISTENERS: [name: string, make: () => unknown][] = [
  [
    'Express',
    () => {
      const app = express();
      app.set('etag', false);
      app.get('/hello/:name', (request, response) => {
        response.json({ name: request.params.name, ip: request.ip, secure: request.secure });
      });
      app.post('/echo', express.json(), (request, response) => {
        response.status(201).json(request.body);
      });
      return app;
    },
  ],
  [
    'Fastify',
    () => {
      const app = fastify();
      app.get<{ Params: { name: string } }>('/hello/:name', async (request) => ({
        name: request.params.name,
        ip: request.ip,
        secure: request.protocol === 'https',
      }));
      app.post('/echo', async (request, reply) => reply.code(201).send(request.body));
      return app;
    },
  ],
  [
    'Koa',
    () => {
      const app = new Koa();
      app.use(async (context) => {
        const name = /^\/hello\/(\w+)$/.exec(context.path)?.[1];
        if (name) return void (context.body = { name, ip: context.ip, secure: context.secure });
        context.status = 201;
        context.body = JSON.parse(await text(context.req)) as object;
      });
      return app;
    },
  ],
  [
    'a server of node:http',
    () =>
      createServer((request, response) => {
        const name = /^\/hello\/(\w+)$/.exec(request.url ?? '')?.[1];
        response.setHeader('content-type', 'application/json');
        const ip = request.socket.remoteAddress;
        if (name) return void response.end(JSON.stringify({ name, ip, secure: true }));
        response.writeHead(201);
        request.pipe(response);
      }),
  ],
];

describe.each(LISTENERS)('a listener app of %s', (_name, make) => {
  it('has all paths, knows its client, and reads bodies', async () => {
    await start(make(), 'wsgi');

    const hello = await site.ask('app', { path: '/hello/ada', headers: FROM_CLIENT });
    expect(JSON.parse(hello.body)).toEqual({ name: 'ada', ip: '192.0.2.7', secure: true });
    const headers = { 'content-type': 'application/json' };
    const echo = await site.ask('app', { verb: 'POST', path: '/echo', headers, body: '{"x":[1,2]}' });
    expect(echo.status).toBe(201);
    expect(JSON.parse(echo.body)).toEqual({ x: [1, 2] });
    await expect.poll(() => site.slots).toBe(0);
  });
});

describe('a listener app', () => {
  it('holds its slot until its answer is complete, and hears when its client leaves', async () => {
    let left = false;
    await start((_request: unknown, response: ServerResponse) => {
      response.on('close', () => (left = true));
      response.write('half');
    }, 'wsgi');

    const answer = await site.open('app');
    expect(site.slots).toBe(1);
    expect(site.current?.signal.aborted).toBe(false);
    answer.destroy();
    await expect.poll(() => site.slots).toBe(0);
    expect(left).toBe(true);
    expect(site.current?.signal.aborted).toBe(true);
  });

  it('that fails answers 500, whether it throws or rejects', async () => {
    await start(async () => {
      throw new Error('no');
    }, 'wsgi');

    expect((await site.ask('app')).status).toBe(500);
    expect(site.errors).toMatchObject([{ message: 'no' }]);
  });

  it('that fails over what it has set answers 500 without it', async () => {
    await start((_request: unknown, response: ServerResponse) => {
      // Trailers need chunks, which an answer to HEAD has none of.
      response.writeHead(200, { trailer: 'x-sum', 'x-secret': '1' });
    }, 'wsgi');

    const { status, headers } = await site.ask('app', { verb: 'HEAD' });
    expect(status).toBe(500);
    expect(headers).not.toHaveProperty('x-secret');
    expect(site.errors).toMatchObject([{ code: 'ERR_HTTP_TRAILER_INVALID' }]);
  });

  it('that listens already, or is none, keeps its container from starting', async () => {
    await expect(start('a text', 'wsgi')).rejects.toThrow('must return a listener of Node, not a string');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, resolve));
    try {
      await expect(start(server, 'wsgi')).rejects.toThrow('listens already');
    } finally {
      server.close();
    }
  });
});

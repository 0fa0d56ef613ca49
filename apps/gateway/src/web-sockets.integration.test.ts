import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';

import { freePort } from '@gantry/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer, type ClientOptions, type RawData } from 'ws';

import { TestPlatform } from './gateway.fixture.ts';
import type { TestEndpoint, TestFunctionOptions } from './gateway-types.fixture.ts';

let platform: TestPlatform;
const opened: WebSocket[] = [];
const programs: Server[] = [];

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterEach(() => {
  for (const socket of opened.splice(0)) socket.terminate();
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  for (const program of programs) program.close();
});

async function serve(endpoint: TestEndpoint, options?: TestFunctionOptions): Promise<string> {
  const deployed = platform.deploy(endpoint, options);
  platform.report((await platform.startContainer(deployed)).status);
  return deployed.host;
}

function open(host: string, protocols: string[] = []): WebSocket {
  const toGateway = { servername: host, ca: platform.ca, headers: { host: `${host}:${platform.port}` } };
  const options: ClientOptions = { ...toGateway, perMessageDeflate: false };
  const socket = new WebSocket(`wss://127.0.0.1:${platform.port}/chat?room=1`, protocols, options);
  opened.push(socket);
  return socket;
}

async function next(socket: WebSocket): Promise<string | Buffer> {
  const [data, isBinary] = (await once(socket, 'message')) as [RawData, boolean];
  return isBinary ? (data as Buffer) : String(data);
}

async function statusOf(socket: WebSocket): Promise<number> {
  const refused = new Promise<number>((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.once('open', () => reject(new Error('it was accepted')));
  });
  socket.on('error', () => undefined);
  return refused;
}

interface BunSocket {
  data: { room: string };
  send(message: unknown): void;
  close(code?: number, reason?: string): void;
}

/** An app as it would be written for Bun. */
function echoApp(events: string[] = []) {
  return {
    fetch(request: Request, server: { upgrade(request: Request, options: object): boolean }) {
      const data = { room: new URL(request.url).searchParams.get('room') };
      if (server.upgrade(request, { data })) return undefined;
      return new Response('no handshake', { status: 426 });
    },
    websocket: {
      open: (socket: BunSocket) => socket.send(`room ${socket.data.room}`),
      message(socket: BunSocket, message: string | Buffer) {
        if (message === 'leave') return socket.close(4001, 'as you wish');
        if (message === 'fail') throw new Error('a defect');
        socket.send(message);
      },
      close: (_socket: BunSocket, code: number, reason: string) => void events.push(`${code} ${reason}`),
    },
  };
}

const asgi = { type: 'asgi' } as const;

/** The same echo in each kind that can have WebSockets. */
const KINDS: [kind: string, make: () => Promise<TestEndpoint>][] = [
  ['a fetch app', async () => ({ web: asgi, run: () => echoApp() })],
  ['a listener app', async () => ({ web: { type: 'wsgi' }, run: echoServer })],
  [
    'a program',
    async () => ({
      web: { type: 'server', port: await freePort(), startupTimeoutMs: 20_000 },
      run: () => void programs.push(echoServer().listen(Number(process.env['PORT']))),
    }),
  ],
];

function echoServer(): Server {
  const server = createServer();
  const sockets = new WebSocketServer({ server, maxPayload: 3_000_000 });
  sockets.on('connection', (socket, request) => {
    socket.send(`room ${request.url?.slice(-1)}`);
    socket.on('message', (data, isBinary) => {
      if (String(data) === 'leave') socket.close(4001, 'as you wish');
      else socket.send(data, { binary: isBinary });
    });
  });
  return server;
}

describe.each(KINDS)('a WebSocket to %s', (_kind, make) => {
  test('carries text and bytes both ways, and closes with code and reason', async () => {
    const socket = open(await serve(await make()));
    expect(await next(socket)).toBe('room 1');
    socket.send('hello');
    expect(await next(socket)).toBe('hello');
    socket.send(new Uint8Array([1, 2, 255]));
    expect(await next(socket)).toEqual(Buffer.from([1, 2, 255]));

    socket.send('leave');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4001, 'as you wish']);
  });

  test('carries messages of 2 MiB, in fragments, and answers to pings', async () => {
    const socket = open(await serve(await make()));
    await next(socket);
    const large = Buffer.alloc(2 * 1024 * 1024, 7);
    const half = large.length / 2;
    socket.send(large.subarray(0, half), { fin: false });
    socket.send(large.subarray(half), { fin: true });
    const echo = (await next(socket)) as Buffer;
    expect(echo.equals(large)).toBe(true);

    socket.ping('are you there');
    const [payload] = (await once(socket, 'pong')) as [Buffer];
    expect(String(payload)).toBe('are you there');
  });

  test('takes a place of its container until it is closed', async () => {
    const host = await serve(await make(), { maxInputs: 1 });
    const first = open(host);
    await next(first);
    platform.demands.length = 0;
    const second = open(host);
    let isOpen = false;
    second.once('open', () => (isOpen = true));
    await expect.poll(() => platform.demands.some(({ waitingRequests }) => waitingRequests === 1)).toBe(true);
    expect(isOpen).toBe(false);
    first.close();
    expect(await next(second)).toBe('room 1');
  });
});

describe('a WebSocket of a fetch app', () => {
  test('tells the app how it ended, also when its client just leaves', async () => {
    const events: string[] = [];
    const host = await serve({ web: asgi, run: () => echoApp(events) });
    const socket = open(host);
    await next(socket);
    socket.close(4002, 'bye');
    await expect.poll(() => events).toEqual(['4002 bye']);

    const other = open(host);
    await next(other);
    other.terminate();
    await expect.poll(() => events).toEqual(['4002 bye', '1006 ']);
  });

  test('ends with 1009 above 2 MiB, and with 1011 when its code fails', async () => {
    const host = await serve({ web: asgi, run: () => echoApp() });
    const socket = open(host);
    await next(socket);
    socket.send(Buffer.alloc(2 * 1024 * 1024 + 1));
    expect((await once(socket, 'close'))[0]).toBe(1009);

    const other = open(host);
    await next(other);
    other.send('fail');
    expect((await once(other, 'close'))[0]).toBe(1011);
  });

  test('is cut when its time is over', async () => {
    const host = await serve({ web: asgi, run: () => echoApp() }, { timeoutMs: 200 });
    const socket = open(host);
    await next(socket);
    expect((await once(socket, 'close'))[0]).toBe(1006);
  });

  test('has the protocol that the app chose, else the first that the client offers', async () => {
    const app = {
      fetch(request: Request, server: { upgrade(request: Request, options: object): boolean }) {
        const headers = { 'sec-websocket-protocol': 'second', 'x-kept': 'yes' };
        return server.upgrade(request, { headers }) ? undefined : new Response();
      },
      websocket: {},
    };
    const chosen = open(await serve({ web: asgi, run: () => app }), ['first', 'second']);
    const isOpen = once(chosen, 'open');
    const [response] = (await once(chosen, 'upgrade')) as [{ headers: Record<string, string> }];
    await isOpen;
    expect(chosen.protocol).toBe('second');
    expect(response.headers['x-kept']).toBe('yes');

    const left = open(await serve({ web: asgi, run: () => echoApp() }), ['first', 'second']);
    await once(left, 'open');
    expect(left.protocol).toBe('first');
  });
});

describe('a handshake', () => {
  test('that the app turns down gets its answer', async () => {
    const run = () => ({ fetch: () => new Response('not here', { status: 418 }), websocket: {} });
    expect(await statusOf(open(await serve({ web: asgi, run })))).toBe(418);
  });

  test('to a single endpoint is refused, as it is without a route, and above the rate limit', async () => {
    const host = await serve({ run: () => 'hi' });
    expect(await statusOf(open(host))).toBe(400);
    expect(await statusOf(open('local--nobody.gantry.localhost'))).toBe(404);
  });

  test('without a key is answered with 400, and one with a body reaches nobody', async () => {
    const host = await serve({ web: asgi, run: () => echoApp() });
    const head = `GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n`;
    for (const rest of ['sec-websocket-version: 13\r\n\r\n', 'content-length: 4\r\n\r\nGET ']) {
      const socket = tlsConnect({
        host: '127.0.0.1',
        port: platform.port,
        servername: host,
        ca: platform.ca,
      });
      socket.write(head + rest);
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  test('for another protocol is a request like any other', async () => {
    const host = await serve({ run: () => 'hi' });
    const headers = { connection: 'upgrade', upgrade: 'h2c' };
    expect(await platform.ask(host, { headers })).toMatchObject({ status: 200, json: 'hi' });
  });
});

import { once } from 'node:events';
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { text } from 'node:stream/consumers';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';
import type { TestEndpoint } from './gateway-types.fixture.ts';

let platform: TestPlatform;
const sessions = new Map<string, ClientHttp2Session>();

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(async () => {
  for (const session of sessions.values()) session.destroy();
  await platform[Symbol.asyncDispose]();
});

async function serve(endpoint: TestEndpoint): Promise<string> {
  const deployed = platform.deploy(endpoint, { maxInputs: 100 });
  platform.report((await platform.startContainer(deployed)).status);
  return deployed.host;
}

function open(host: string, headers: OutgoingHttpHeaders = {}, body?: Uint8Array): ClientHttp2Stream {
  const known = sessions.get(host);
  const options = { servername: host, ca: platform.ca };
  const session = known ?? connect(`https://127.0.0.1:${platform.port}`, options);
  if (!known) session.on('error', () => undefined);
  sessions.set(host, session);
  const stream = session.request({ ':authority': `${host}:${platform.port}`, ...headers });
  stream.on('error', () => undefined);
  stream.end(body);
  return stream;
}

async function ask(host: string, headers?: OutgoingHttpHeaders, body?: Uint8Array) {
  const stream = open(host, headers, body);
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return { status: answer[':status'], headers: answer, body: await text(stream) };
}

const asgi = { type: 'asgi' } as const;

describe('requests over HTTP/2', () => {
  test('reach the container as those over HTTP/1 do', async () => {
    const run = () => ({
      fetch: async (request: Request) =>
        Response.json(
          {
            url: request.url,
            headers: Object.fromEntries(request.headers),
            body: await request.text(),
          },
          { status: 201, headers: [...'ab'].map((name): [string, string] => ['set-cookie', `${name}=1`]) },
        ),
    });
    const host = await serve({ web: asgi, run });
    const { status, headers, body } = await ask(
      host,
      { ':method': 'POST', ':path': '/a?b=1', cookie: ['x=1', 'y=2'], 'x-forwarded-for': '203.0.113.9' },
      Buffer.from('hello'),
    );
    expect(status).toBe(201);
    expect(headers['set-cookie']).toEqual(['a=1', 'b=1']);
    const seen = JSON.parse(body) as { url: string; headers: Record<string, string>; body: string };
    expect(seen).toMatchObject({ url: `https://${host}:${platform.port}/a?b=1`, body: 'hello' });
    expect(seen.headers).toMatchObject({
      host: `${host}:${platform.port}`,
      cookie: 'x=1; y=2',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'https',
    });
    expect(Object.keys(seen.headers).filter((name) => name.startsWith(':'))).toEqual([]);
  });

  test('of many run on one connection, each as long as it likes', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const run = () => ({
      async fetch(request: Request) {
        if (request.url.endsWith('/slow')) await gate;
        return new Response(new URL(request.url).pathname);
      },
    });
    const host = await serve({ web: asgi, run });
    const slow = ask(host, { ':path': '/slow' });
    const fast = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(host, { ':path': `/${i}` })));
    expect(fast.map(({ body }) => body)).toEqual(Array.from({ length: 50 }, (_, i) => `/${i}`));
    go();
    expect((await slow).body).toBe('/slow');
  });

  test('carry large bodies both ways, whole', async () => {
    const run = () => ({ fetch: (request: Request) => new Response(request.body) });
    const host = await serve({ web: asgi, run });
    const large = Buffer.alloc(5_000_000, 'abcdefg');
    const { body } = await ask(host, { ':method': 'PUT' }, large);
    expect(body === String(large)).toBe(true);
  });

  test('end in the container when the client leaves', async () => {
    let signal: AbortSignal | undefined;
    const run = () => ({
      fetch: (request: Request) => {
        signal = request.signal;
        return new Response(
          new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('x')) }),
        );
      },
    });
    const host = await serve({ web: asgi, run });
    const stream = open(host);
    await once(stream, 'data');
    expect(signal?.aborted).toBe(false);
    stream.close();
    await expect.poll(() => signal?.aborted).toBe(true);
  });

  test('whose answer breaks off are reset, so that nobody takes it for whole', async () => {
    let breakOff: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (breakOff = resolve));
    const run = async function* () {
      yield 'half';
      await gate;
      throw new Error('no more');
    };
    const host = await serve({ run });
    const stream = open(host);
    await once(stream, 'readable');
    breakOff();
    await expect(text(stream)).rejects.toThrow();
    expect(stream.rstCode).not.toBe(0);
  });

  test('get the errors of the gateway', async () => {
    const answer = await ask('local--nobody.gantry.localhost', { ':method': 'POST' }, Buffer.from('x'));
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';
import type { TestEndpoint } from './gateway-types.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform[Symbol.asyncDispose]());

async function serve(endpoint: TestEndpoint): Promise<{ host: string }> {
  const deployed = platform.deploy(endpoint);
  platform.report((await platform.startContainer(deployed)).status);
  return deployed;
}

describe('requests', () => {
  test('whose client asks first are told to go on when a container reads them, and not before', async () => {
    const deployed = platform.deploy({
      web: { type: 'asgi' },
      run: () => ({ fetch: async (request: Request) => new Response(await request.text()) }),
    });
    const headers = { expect: '100-continue', 'content-length': '5' };
    const request = platform.open(deployed.host, { verb: 'POST', headers });
    let mayGoOn = false;
    request.on('continue', () => {
      mayGoOn = true;
      request.end('hello');
    });
    request.flushHeaders();
    await waitUntil(() => platform.demands.some(({ pool }) => pool === deployed.record.id));
    expect(mayGoOn).toBe(false);

    platform.report((await platform.startContainer(deployed)).status);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(await text(response)).toBe('hello');
    expect(mayGoOn).toBe(true);
  });

  test('whose client asks first and that are refused never send their body', async () => {
    const request = platform.open('local--nobody.gantry.localhost', {
      verb: 'POST',
      headers: { expect: '100-continue', 'content-length': '5' },
    });
    request.on('error', () => undefined);
    request.on('continue', () => request.end('hello'));
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(404);
    expect(request.writableEnded).toBe(false);
    request.destroy();
  });

  test('get the trailers of their answers', async () => {
    const { host } = await serve({
      web: { type: 'wsgi' },
      run: () => (_request: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('part');
        response.addTrailers({ 'x-sum': '4' });
        response.end();
      },
    });
    const request = platform.open(host);
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    expect(await text(answer)).toBe('part');
    expect(answer.trailers).toEqual({ 'x-sum': '4' });
  });

  test('of a part, and answers with it, pass as they are', async () => {
    const { host } = await serve({
      web: { type: 'asgi' },
      run: () => ({
        fetch: (request: Request) =>
          new Response('bcd', {
            status: 206,
            headers: {
              'content-range': 'bytes 1-3/9',
              'content-encoding': 'identity',
              'x-asked': request.headers.get('range') ?? '',
            },
          }),
      }),
    });
    const { status, headers, body } = await platform.ask(host, { headers: { range: 'bytes=1-3' } });
    expect({ status, body }).toEqual({ status: 206, body: 'bcd' });
    expect(headers).toMatchObject({ 'content-range': 'bytes 1-3/9', 'x-asked': 'bytes=1-3' });
  });

  test('for the head of an answer get its length and no body, and those for options reach the app', async () => {
    const { host } = await serve({
      web: { type: 'wsgi' },
      run: () => (request: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, {
          'content-length': '7',
          'x-asked': request.method ?? '',
          allow: 'GET, PATCH',
        });
        response.end(request.method === 'HEAD' ? '' : 'content');
      },
    });
    const head = await platform.ask(host, { verb: 'HEAD' });
    expect(head).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '7', 'x-asked': 'HEAD' },
    });
    const options = await platform.ask(host, { verb: 'OPTIONS' });
    expect(options).toMatchObject({
      body: 'content',
      headers: { 'x-asked': 'OPTIONS', allow: 'GET, PATCH' },
    });
  });

  test('get compressed answers byte for byte', async () => {
    const packed = gzipSync('a text that is said again and again, again and again');
    const { host } = await serve({
      web: { type: 'asgi' },
      run: () => ({
        fetch: () =>
          new Response(packed, { headers: { 'content-encoding': 'gzip', vary: 'accept-encoding' } }),
      }),
    });
    const request = platform.open(host, { headers: { 'accept-encoding': 'gzip' } });
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect((await buffer(answer)).equals(packed)).toBe(true);
  });

  test('get each event when it is there', async () => {
    const received = [1, 2, 3].map(() => new EventEmitter());
    async function* events() {
      for (const [n, place] of received.entries()) {
        const isReceived = once(place, 'received');
        yield `data: ${n}\n\n`;
        await isReceived;
      }
    }
    const body = () => ReadableStream.from(events()).pipeThrough(new TextEncoderStream());
    const headers = { 'content-type': 'text/event-stream' };
    const { host } = await serve({
      web: { type: 'asgi' },
      run: () => ({ fetch: () => new Response(body(), { headers }) }),
    });
    const request = platform.open(host);
    request.end();
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    const chunks = answer[Symbol.asyncIterator]();
    for (const [n, place] of received.entries()) {
      // The next event is made only when this one has been received.
      expect(String((await chunks.next()).value)).toBe(`data: ${n}\n\n`);
      place.emit('received');
    }
    expect((await chunks.next()).done).toBe(true);
  });

  test('of more than 4 GiB are refused before anything of them is read', async () => {
    const { host } = await serve({ web: { type: 'asgi' }, run: () => ({ fetch: () => new Response() }) });
    const request = platform.open(host, {
      verb: 'PUT',
      headers: { 'content-length': String(4 * 1024 ** 3 + 1) },
    });
    request.on('error', () => undefined);
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    request.destroy();
  });
});

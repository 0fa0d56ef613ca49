import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform, type TestEndpoint } from './gateway.fixture.ts';

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

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform[Symbol.asyncDispose]());

describe('requests', () => {
  test('reach the container with its method, and where they came from', async () => {
    const { host } = await platform.serve({
      name: 'look',
      params: [{ name: 'request', type: { type: 'request' }, optional: false }],
      run: (request: Request) => ({ url: request.url, headers: Object.fromEntries(request.headers) }),
    });
    const answer = await platform.ask(host, {
      path: '/?a=1',
      headers: {
        'gantry-method': 'other',
        'x-forwarded-for': '6.6.6.6',
        te: 'trailers',
        'x-own': 'ü'.normalize(),
      },
    });
    expect(answer).toMatchObject({
      status: 200,
      json: {
        url: `https://${host}:${platform.port}/?a=1`,
        headers: { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' },
      },
    });
    // What gateway and runner say to each other stays between them, whoever claims it.
    for (const name of ['te', 'gantry-method']) {
      expect((answer.json as { headers: object }).headers).not.toHaveProperty(name);
    }
    expect(answer.headers['gantry-input-id']).toMatch(/^in-/);
  });

  test('get the answers of the endpoint: 404, 405, 422', async () => {
    const { host } = await platform.serve({
      web: { method: 'POST' },
      params: [{ name: 'n', type: { type: 'integer' }, optional: false }],
      run: (n: number) => n,
    });
    expect(await platform.ask(host, { verb: 'POST', path: '/?n=5' })).toMatchObject({ status: 200, json: 5 });
    expect((await platform.ask(host, { verb: 'POST', path: '/no' })).status).toBe(404);
    expect((await platform.ask(host)).status).toBe(405);
    expect(await platform.ask(host, { verb: 'POST', path: '/?n=x' })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['query', 'n'] }] },
    });
  });

  test('stream up while the answer streams down', async () => {
    const { host } = await platform.serve({
      web: { method: 'POST' },
      params: [{ name: 'request', type: { type: 'request' }, optional: false }],
      run: (request: Request) => new Response(request.body, { headers: { 'content-type': 'text/plain' } }),
    });
    const request = platform.open(host, { verb: 'POST' });
    request.write('one');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(String((await once(response, 'data'))[0])).toBe('one');
    request.write('two');
    expect(String((await once(response, 'data'))[0])).toBe('two');
    request.end();
    await once(response.resume(), 'end');
  });

  test('carry large bodies both ways, whole', async () => {
    const { host } = await platform.serve({
      web: { method: 'POST' },
      params: [{ name: 'data', type: { type: 'bytes' }, optional: false }],
      run: (data: Uint8Array) => data.reverse(),
    });
    const body = Buffer.alloc(8_000_000, 'abcdefg');
    const response = await platform.openAnswer(host, { verb: 'POST', body });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(body.reverse())).toBe(true);
  });

  test('slow readers hold back the container', async () => {
    let yielded = 0;
    const run = async function* () {
      for (; yielded < 2_000; yielded += 1) yield Buffer.alloc(100_000);
    };
    const { host } = await platform.serve({ run }, { timeoutMs: 60_000 });
    const response = await platform.openAnswer(host);
    let before = -1;
    // The producer stands still once every buffer on the way is full.
    await waitUntil(() => (before === yielded && yielded > 0 ? true : ((before = yielded), false)), {
      intervalMs: 300,
    });
    expect(yielded).toBeLessThan(1_000);
    let sizeBytes = 0;
    for await (const chunk of response) sizeBytes += (chunk as Buffer).length;
    expect(sizeBytes).toBe(200_000_000);
  });

  test('end in the container when the client leaves', async () => {
    let isEnded = false;
    const { host } = await platform.serve({
      async *run() {
        try {
          for (;;) yield Buffer.alloc(100_000);
        } finally {
          isEnded = true;
        }
      },
    });
    const response = await platform.openAnswer(host);
    await once(response, 'data');
    response.destroy();
    await waitUntil(() => isEnded);
  });
});

describe('hosts', () => {
  test('without a route get 404 and learn nothing', async () => {
    const answer = await platform.ask('local--nobody.gantry.localhost');
    expect(answer).toMatchObject({ status: 404, json: { code: 'NOT_FOUND', status: 404 } });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const page = await platform.ask('local--nobody.gantry.localhost', { headers: { accept: 'text/html' } });
    expect(page.body).toContain('<!doctype html>');
  });

  test('of a stopped app get 503', async () => {
    const { host, record } = await platform.serve({ run: () => 'hi' });
    platform.setRecord({ ...record, stopped: true });
    expect(await platform.ask(host)).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' } });
  });

  test('the bare domain has pages of its own', async () => {
    expect(await platform.ask('gantry.localhost', { path: '/health' })).toMatchObject({
      json: { status: 'ok' },
    });
    expect((await platform.ask('gantry.localhost')).body).toContain('The gateway is running');
    expect((await platform.ask('gantry.localhost', { path: '/ca.pem' })).body).toBe(platform.ca);
    expect((await platform.ask('gantry.localhost', { path: '/nothing' })).status).toBe(404);
  });
});

import { once } from 'node:events';
import { request as httpRequest } from 'node:http';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestEndpoints } from './web-server.fixture.ts';

const server = new TestEndpoints();
const leaves: string[] = [];

server.add('hello', { docs: true }, { run: () => 'hello' });
server.add('save', { method: 'POST' }, { run: () => 'saved' });
server.add(
  'response',
  {},
  {
    run: () => {
      const headers = new Headers({ 'content-type': 'text/css', 'x-own': '1' });
      headers.append('set-cookie', 'a=1');
      headers.append('set-cookie', 'b=2');
      return new Response('body{}', { status: 201, headers });
    },
  },
);
server.add(
  'lines',
  {},
  {
    async *run() {
      try {
        yield { n: 1 };
        yield { n: 2 };
      } finally {
        leaves.push('lines');
      }
    },
  },
);
server.add(
  'endless',
  {},
  {
    async *run() {
      try {
        for (;;) yield 'x'.repeat(10_000);
      } finally {
        leaves.push('endless');
      }
    },
  },
);
server.add(
  'broken',
  {},
  {
    run: () => {
      throw new Error('the password is hunter2');
    },
  },
);
server.add(
  'refuses',
  {},
  {
    run: () => {
      throw Object.assign(new Error('not for you'), { status: 403 });
    },
  },
);
server.add(
  'hangs',
  {},
  { run: () => once(server.current?.signal as AbortSignal, 'abort').then(() => leaves.push('hangs')) },
);

beforeAll(() => server.start(300));

afterAll(() => server[Symbol.asyncDispose]());

describe('routes and verbs', () => {
  test('there is one route, and JSON for everything else', async () => {
    expect(await server.ask('hello')).toMatchObject({ status: 200, json: 'hello' });
    expect(await server.ask('hello', { path: '/other' })).toMatchObject({
      status: 404,
      json: { detail: 'Not Found' },
    });
    expect(await server.ask('nosuch')).toMatchObject({ status: 404 });
  });

  test('another verb is refused with the verbs that work', async () => {
    const refused = await server.ask('save', { verb: 'GET' });
    expect(refused).toMatchObject({
      status: 405,
      json: { detail: 'Method Not Allowed' },
      headers: { allow: 'POST, OPTIONS' },
    });
  });

  test('HEAD is GET without a body', async () => {
    expect(await server.ask('hello', { verb: 'HEAD' })).toMatchObject({
      status: 200,
      body: '',
      headers: { 'content-length': '7' },
    });
    expect(await server.ask('lines', { verb: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test('every origin may read answers and is told so before it asks', async () => {
    expect((await server.ask('hello')).headers).toMatchObject({ 'access-control-allow-origin': '*' });
    const headers = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-token',
      origin: 'http://a.test',
    };
    expect(await server.ask('save', { verb: 'OPTIONS', headers })).toMatchObject({
      status: 200,
      headers: { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'x-token' },
    });
  });

  test('docs exist only where asked for', async () => {
    expect((await server.ask('hello', { path: '/docs' })).body).toContain('<!doctype html>');
    expect((await server.ask('hello', { path: '/openapi.json' })).json).toMatchObject({ openapi: '3.1.0' });
    expect((await server.ask('save', { path: '/docs', verb: 'GET' })).status).toBe(404);
  });
});

describe('answers', () => {
  test('carry the id of their input', async () => {
    expect((await server.ask('hello')).headers['gantry-input-id']).toMatch(/^in-[0-9A-Za-z]{22}$/);
  });

  test('of the web kind pass as they are', async () => {
    expect(await server.ask('response')).toMatchObject({
      status: 201,
      body: 'body{}',
      headers: { 'content-type': 'text/css', 'x-own': '1', 'set-cookie': ['a=1', 'b=2'] },
    });
  });

  test('that are iterables stream', async () => {
    expect(await server.ask('lines')).toMatchObject({
      body: '{"n":1}\n{"n":2}\n',
      headers: { 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' },
    });
  });

  test('stop when the client leaves', async () => {
    const response = await server.open('endless');
    await once(response, 'data');
    response.destroy();
    await waitUntil(() => leaves.includes('endless'));
    await waitUntil(() => server.slots === 0);
  });
});

describe('failures', () => {
  test('tell the log what they hide from the client', async () => {
    expect(await server.ask('broken')).toMatchObject({
      status: 500,
      json: { detail: 'Internal Server Error' },
    });
    expect(server.errors).toEqual([expect.objectContaining({ message: 'the password is hunter2' })]);
  });

  test('with a status of their own pass', async () => {
    expect(await server.ask('refuses')).toMatchObject({ status: 403, json: { detail: 'not for you' } });
  });

  test('a handler that outlives its timeout is aborted and answered for', async () => {
    expect(await server.ask('hangs')).toMatchObject({ status: 504, json: { code: 'FUNCTION_TIMED_OUT' } });
    await waitUntil(() => leaves.includes('hangs'));
    await waitUntil(() => server.slots === 0);
  });

  test('a client that leaves aborts the handler', async () => {
    const request = httpRequest({ socketPath: server.socketPath, headers: { 'gantry-method': 'hangs' } });
    request.on('error', () => undefined);
    const before = server.current;
    request.end();
    const context = await waitUntil(() => (server.current === before ? undefined : server.current));
    request.destroy();
    await waitUntil(() => context.signal.aborted);
    expect((context.signal.reason as Error).name).toBe('InputCancellation');
  });
});

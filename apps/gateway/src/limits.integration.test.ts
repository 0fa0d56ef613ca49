import { once } from 'node:events';
import { connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TestPlatform } from './gateway.fixture.ts';

/** Instead of 60 s. */
const STALL_MS = 1_000;
/** For what may have to wait for a busy machine. */
const BUSY = { timeoutMs: 30_000 };

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform[Symbol.asyncDispose]());

const READ_BODY = [{ name: 'request', type: { type: 'request' as const }, optional: false }];

describe('heads of requests', () => {
  const long = (bytes: number) => `/?${'a'.repeat(bytes - 2)}`;

  test('may have paths and queries of 16 KiB, and no longer ones', async () => {
    const { host } = await platform.serve({ run: () => 'hi' }, { maxInputs: 5 });
    expect((await platform.ask(host, { path: long(16 * 1024) })).status).toBe(200);
    const refused = await platform.ask(host, { path: long(16 * 1024 + 1) });
    expect(refused).toMatchObject({ status: 414, json: { code: 'INVALID_ARGUMENT' } });
  });

  test('may have 64 KiB in all: what is larger is refused with 431', async () => {
    const { host } = await platform.serve({ run: () => 'hi' }, { maxInputs: 5 });
    const ask = (bytes: number) => platform.ask(host, { headers: { 'x-large': 'a'.repeat(bytes) } });
    expect((await ask(60_000)).status).toBe(200);
    expect((await ask(70_000)).status).toBe(431);
  });

  test('have the same limits over HTTP/2', async () => {
    const { host } = await platform.serve({ run: () => 'hi' }, { maxInputs: 5 });
    const session = connectHttp2(`https://127.0.0.1:${platform.port}`, { servername: host, ca: platform.ca });
    session.on('error', () => undefined);
    try {
      const ask = async (path: string, more: Record<string, string> = {}): Promise<number | undefined> => {
        const stream = session.request({ ':path': path, ':authority': host, ...more });
        stream.on('error', () => undefined);
        const outcome = Promise.race([once(stream, 'response'), once(stream, 'close').then(() => [{}])]);
        const [headers] = (await outcome) as [IncomingHttpHeaders];
        stream.close(constants.NGHTTP2_NO_ERROR);
        return headers[':status'] as unknown as number | undefined;
      };
      expect(await ask('/')).toBe(200);
      expect(await ask(long(16 * 1024 + 1))).toBe(414);
      // Refused before it is a request.
      expect(await ask('/', { 'x-large': 'a'.repeat(70_000) }).catch(() => undefined)).not.toBe(200);
    } finally {
      session.destroy();
    }
    expect((await platform.ask(host)).json).toBe('hi');
  });
});

describe('slow clients', () => {
  test('that stop sending their body get 408, and leave the container', async () => {
    await using own = await TestPlatform.start({ stallMs: STALL_MS });
    let isEnded = false;
    const { host } = await own.serve(
      {
        web: { method: 'POST' },
        params: READ_BODY,
        run: (request: Request) => request.text().finally(() => (isEnded = true)),
      },
      { timeoutMs: 60_000 },
    );
    const request = own.open(host, { verb: 'POST', headers: { 'content-length': '100' } });
    request.on('error', () => undefined);
    request.write('a part');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect({ status: response.statusCode, body: await text(response) }).toMatchObject({
      status: 408,
      body: expect.stringContaining('stopped coming') as string,
    });
    await waitUntil(() => isEnded, BUSY);
    // On a machine that stands still for a second, so does a body.
    await waitUntil(
      async () => (await own.ask(host, { verb: 'POST', body: 'whole' })).json === 'whole',
      BUSY,
    );
  });

  test('that do not read their answer are cut off, and leave the container to others', async () => {
    await using own = await TestPlatform.start({ stallMs: STALL_MS });
    let isEnded = false;
    const { host } = await own.serve(
      {
        async *run() {
          try {
            for (;;) yield Buffer.alloc(100_000);
          } finally {
            isEnded = true;
          }
        },
      },
      { timeoutMs: 60_000 },
    );
    const request = own.open(host);
    request.on('error', () => undefined);
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => undefined);
    await waitUntil(() => isEnded, BUSY);
    request.destroy();
  });

  test('that connect and say nothing hold up nobody', async () => {
    const { host } = await platform.serve({ run: () => 'hi' });
    const silent = Array.from({ length: 200 }, () => connectTcp(platform.port, '127.0.0.1'));
    const halves = Array.from({ length: 50 }, () => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: platform.port,
        servername: host,
        ca: platform.ca,
      });
      socket.on('error', () => undefined);
      socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nx-slow: `);
      return socket;
    });
    try {
      await Promise.all(halves.map((socket) => once(socket, 'secureConnect')));
      expect((await platform.ask(host)).json).toBe('hi');
    } finally {
      for (const socket of [...silent, ...halves]) socket.on('error', () => undefined).destroy();
    }
  });
});

describe('functions', () => {
  test('with many requests that wait do not hold up others', async () => {
    const crowded = platform.deploy({ run: () => 'late' }, { maxInputs: 100 });
    const waiting = Array.from({ length: 300 }, () => platform.ask(crowded.host));
    await waitUntil(
      () => platform.demands.some(({ waitingRequests }) => (waitingRequests ?? 0) >= 300),
      BUSY,
    );
    const { host } = await platform.serve({ run: () => 'hi' });
    expect((await platform.ask(host)).json).toBe('hi');
    platform.report((await platform.startContainer(crowded)).status);
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ json }) => json))).toEqual(new Set(['late']));
  });
});

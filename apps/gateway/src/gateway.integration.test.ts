import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as netConnect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect, type TLSSocket } from 'node:tls';

import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  TestPlatform,
  type TestAsk,
  type TestEndpoint,
  type TestFunctionOptions,
} from './gateway.fixture.ts';

let platform: TestPlatform;

beforeAll(async () => {
  platform = await TestPlatform.start();
});

afterAll(() => platform[Symbol.asyncDispose]());

async function serve(endpoint: TestEndpoint, options?: TestFunctionOptions) {
  const deployed = platform.deploy(endpoint, options);
  const container = await platform.startContainer(deployed);
  platform.report(container.status);
  return { ...deployed, container };
}

async function openAnswer(host: string, ask?: TestAsk): Promise<IncomingMessage> {
  const request = platform.open(host, ask);
  request.on('error', () => undefined);
  request.end(ask?.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

function connectTls(servername: string, session?: Buffer): TLSSocket {
  return tlsConnect({ host: '127.0.0.1', port: platform.port, servername, ca: platform.ca, session });
}

describe('certificates', () => {
  test('a routed host has one of its own, signed by the authority', async () => {
    const { host } = await serve({ run: () => 'hi' });
    const socket = connectTls(host);
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subjectaltname).toBe(`DNS:${host}`);
    socket.destroy();
  });

  test('an invented host is covered by the fallback, and none is issued for it', async () => {
    const host = 'local--nobody.gantry.localhost';
    const socket = connectTls(host);
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    expect(socket.getPeerCertificate().subjectaltname).toContain('DNS:*.gantry.localhost');
    socket.destroy();
    await expect(stat(join(platform.dataDir, 'ca/hosts', `${host}.pem`))).rejects.toThrow('ENOENT');
  });

  test('the keys are readable by their owner alone', async () => {
    for (const name of ['ca.key', 'hosts/_fallback.pem']) {
      expect((await stat(join(platform.dataDir, 'ca', name))).mode & 0o777).toBe(0o600);
    }
  });

  test('the authority and its certificates survive a restart', async () => {
    const { host } = await serve({ run: () => 'hi' });
    await platform.ask(host);
    const before = await readFile(join(platform.dataDir, 'ca/hosts', `${host}.pem`), 'utf8');
    const ca = platform.ca;
    await platform.gateway.stop();
    await platform.startGateway();
    platform.broadcast();
    expect(platform.ca).toBe(ca);
    expect((await platform.ask(host)).json).toBe('hi');
    expect(await readFile(join(platform.dataDir, 'ca/hosts', `${host}.pem`), 'utf8')).toBe(before);
  });

  test('sessions are resumed', async () => {
    const { host } = await serve({ run: () => 'hi' });
    const first = connectTls(host);
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    const second = connectTls(host, session);
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    second.destroy();
  });
});

describe('requests', () => {
  test('reach the container with its method, and where they came from', async () => {
    const { host } = await serve({
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
    const { host } = await serve({
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
    const { host } = await serve({
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
    const { host } = await serve({
      web: { method: 'POST' },
      params: [{ name: 'data', type: { type: 'bytes' }, optional: false }],
      run: (data: Uint8Array) => data.reverse(),
    });
    const body = Buffer.alloc(8_000_000, 'abcdefg');
    const response = await openAnswer(host, { verb: 'POST', body });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(body.reverse())).toBe(true);
  });

  test('slow readers hold back the container', async () => {
    let yielded = 0;
    const run = async function* () {
      for (; yielded < 2_000; yielded += 1) yield Buffer.alloc(100_000);
    };
    const { host } = await serve({ run }, { timeoutMs: 60_000 });
    const response = await openAnswer(host);
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
    const { host } = await serve({
      async *run() {
        try {
          for (;;) yield Buffer.alloc(100_000);
        } finally {
          isEnded = true;
        }
      },
    });
    const response = await openAnswer(host);
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
    const { host, record } = await serve({ run: () => 'hi' });
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

describe('containers', () => {
  test('that come late are waited for, and asked for at once', async () => {
    const deployed = platform.deploy({ run: () => 'late' });
    const container = await platform.startContainer(deployed);
    const before = platform.demands.length;
    const answer = platform.ask(deployed.host);
    const demand = await waitUntil(() => platform.demands[before]);
    expect(demand).toMatchObject({
      pool: deployed.record.id,
      functionId: deployed.record.id,
      waitingRequests: 1,
    });
    platform.report({ ...container.status, state: 'starting' });
    platform.report(container.status);
    expect((await answer).json).toBe('late');
    await waitUntil(() => platform.demands.at(-1)?.waitingRequests === 0);
  });

  test('that never come end the wait with 503', async () => {
    const { host } = platform.deploy({ run: () => 'never' });
    expect(await platform.ask(host)).toMatchObject({ status: 503, json: { code: 'UNAVAILABLE' } });
  });

  test('whose code does not load end the wait at once', async () => {
    const deployed = platform.deploy({ run: () => 'never' });
    const { status } = await platform.startContainer(deployed);
    const answer = platform.ask(deployed.host);
    await waitUntil(() => platform.demands.at(-1)?.pool === status.pool);
    platform.report({ ...status, state: 'starting' });
    platform.report({ ...status, state: 'stopped', exit: { reason: 'loadFailed', code: 1, signal: null } });
    expect(await answer).toMatchObject({ status: 500, json: { code: 'CONTAINER_FAILED' } });
  });

  test('get no more requests at once than they take', async () => {
    let running = 0;
    let most = 0;
    const { host } = await serve(
      {
        async run() {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 5));
          running -= 1;
        },
      },
      { maxInputs: 2 },
    );
    const answers = await Promise.all(Array.from({ length: 20 }, () => platform.ask(host)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(most).toBe(2);
  });

  test('of a class are chosen by its parameters in the query', async () => {
    const parameters = [
      { name: 'lang', type: { type: 'string' as const }, optional: true, defaultValue: 'eng' },
      { name: 'size', type: { type: 'integer' as const }, optional: false },
    ];
    const deployed = platform.deploy({ run: () => 'deu 5' }, { parameters });
    const container = await platform.startContainer(deployed, { lang: 'deu', size: 5 });
    platform.report(container.status);
    expect((await platform.ask(deployed.host, { path: '/?size=5&lang=deu' })).json).toBe('deu 5');
    expect(await platform.ask(deployed.host, { path: '/?size=x' })).toMatchObject({
      status: 422,
      json: { detail: [{ loc: ['query', 'size'], type: 'int_parsing' }] },
    });
    expect((await platform.ask(deployed.host)).json).toMatchObject({ detail: [{ type: 'missing' }] });
  });

  test('of the old version serve until the new one is ready', async () => {
    const old = await serve({ run: () => 'old' });
    const fresh = platform.deploy({ run: () => 'new' }, { version: 2, of: old });
    expect((await platform.ask(old.host)).json).toBe('old');
    // Requests of other tests may still signal their own demand.
    const ownDemand = platform.demands.findLast(({ pool }) => pool === old.record.id);
    expect(ownDemand).toMatchObject({ waitingRequests: 0 });
    platform.report((await platform.startContainer(fresh)).status);
    expect((await platform.ask(old.host)).json).toBe('new');
  });

  test('that are gone are passed over', async () => {
    const deployed = await serve({ web: { method: 'POST' }, run: () => 'here' });
    platform.report({
      ...deployed.container.status,
      containerId: 'ta-gone',
      httpSocketPath: join(platform.dataDir, 'gone.sock'),
      startedAtMs: 1,
    });
    for (let i = 0; i < 4; i++) {
      platform.broadcast();
      expect(await platform.ask(deployed.host, { verb: 'POST', body: 'x' })).toMatchObject({ status: 200 });
    }
  });

  test('that die before they answer are 502 for what cannot be repeated', async () => {
    const dying = await serve({ web: { method: 'POST' }, run: () => new Promise(() => undefined) });
    const socketPath = join(platform.dataDir, 'dying.sock');
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(socketPath);
    platform.report({ ...dying.container.status, httpSocketPath: socketPath, containerId: 'ta-dying' });
    platform.report({ ...dying.container.status, state: 'draining' });
    expect(await platform.ask(dying.host, { verb: 'POST', body: 'x' })).toMatchObject({
      status: 502,
      json: { code: 'CONTAINER_FAILED' },
    });
    server.close();
  });

  test('that break off within an answer cut the connection, so that nobody takes it for whole', async () => {
    let breakOff = () => undefined as unknown;
    const { host } = await serve({
      async *run() {
        yield 'begun';
        await new Promise((_, reject) => (breakOff = () => reject(new Error('broken'))));
      },
    });
    const response = await openAnswer(host);
    await once(response, 'data');
    breakOff();
    await expect(text(response)).rejects.toThrow('aborted');
    expect((await platform.ask(host, { verb: 'OPTIONS' })).status).toBe(200);
  });

  test('that die are replaced for what may be repeated', async () => {
    const deployed = await serve({ run: () => 'second' });
    const socketPath = join(platform.dataDir, 'dying2.sock');
    const server = createServer((socket) => socket.once('data', () => socket.destroy())).listen(socketPath);
    platform.report({ ...deployed.container.status, state: 'draining' });
    platform.report({ ...deployed.container.status, httpSocketPath: socketPath, containerId: 'ta-dying2' });
    const answer = platform.ask(deployed.host);
    await waitUntil(() => platform.demands.at(-1)?.pool === deployed.record.id);
    platform.report(deployed.container.status);
    expect((await answer).json).toBe('second');
    server.close();
  });
});

describe('what is no proper request', () => {
  test('never harms the gateway', async () => {
    const { host } = await serve({ run: () => 'alive' });
    const heads = [
      'NONSENSE\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n',
      `GET / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`,
      `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
      `GET /\u0001 HTTP/1.1\r\nhost: ${host}\r\n\r\n`,
      `GET / HTTP/1.1\r\nhost: ../../etc\r\n\r\n`,
    ];
    for (const head of heads) {
      const socket = connectTls(host);
      socket.on('error', () => undefined);
      socket.end(head);
      expect(await text(socket).catch(() => ''), head.slice(0, 60)).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    }
    const halfOpen = connectTls(host);
    halfOpen.on('error', () => undefined);
    halfOpen.write(`POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 100\r\n\r\nhalf`);
    await once(halfOpen, 'secureConnect');
    halfOpen.destroy();
    expect((await platform.ask(host)).json).toBe('alive');
  });
});

describe('plain HTTP on the HTTPS port', () => {
  async function askPlain(head: string): Promise<string> {
    const socket = netConnect(platform.port, '127.0.0.1');
    socket.write(head);
    return text(socket);
  }

  test('is sent to the same address over TLS when it only reads', async () => {
    const { host } = await serve({ run: () => 'alive' });

    const answer = await askPlain(`GET /a?b=1 HTTP/1.1\r\nHost: ${host}:8443\r\n\r\n`);

    expect(answer).toMatch(/^HTTP\/1\.1 308 /);
    expect(answer).toContain(`location: https://${host}:8443/a?b=1\r\n`);
    expect(answer.split('\r\n\r\n')[1]).toBe(`This port speaks HTTPS: https://${host}:8443/a?b=1\n`);
  });

  test('is refused with 400 and the reason when it carries data or is no proper request', async () => {
    const heads = [
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi',
      'GET / HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: a/../b\r\n\r\n',
      'NONSENSE\r\n\r\n',
    ];
    for (const head of heads) {
      const answer = await askPlain(head);
      expect(answer, head).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer, head).toContain('This port speaks HTTPS only');
    }
  });

  test('harms nobody when it breaks off at once', async () => {
    const { host } = await serve({ run: () => 'alive' });
    const silent = netConnect(platform.port, '127.0.0.1');
    await once(silent, 'connect');
    silent.destroy();
    const half = netConnect(platform.port, '127.0.0.1');
    half.write('G');
    await once(half, 'connect');
    half.destroy();

    expect((await platform.ask(host)).json).toBe('alive');
  });
});

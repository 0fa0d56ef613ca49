import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { BytePipe, type Messaging } from '@gantry/messaging';
import { joinStreams, registryKeys, subjects, WORKER_HEARTBEAT_MS, type RouteRecord } from '@gantry/protocol';
import { waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { startGatewayOverNats } from '../gateway-over-nats.fixture.ts';
import { TestPlatform } from '../gateway.fixture.ts';
import type { RunningGateway } from '../main.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const MEBIBYTE = 1024 ** 2;
const LARGE_BYTES = 100 * 1_000_000;
/** All that sockets, pipes and streams between a container and its client may hold. */
const MOST_ON_THE_WAY = 24 * MEBIBYTE;

const stack = new AsyncDisposableStack();
const piece = randomBytes(MEBIBYTE / 4);
/** What the container sent, what it holds, and whose clients left. */
const seen = { produced: 0, held: 0, aborted: 0 };
let gateway: RunningGateway;
let worker: Messaging;
let host: string;
let ca: string;
let cutPipes: () => void = () => undefined;

beforeAll(async () => {
  const started = stack.use(await startGatewayOverNats());
  ({ gateway, messaging: worker, ca } = started);
  const { folder } = started;
  const socketPath = join(folder, 'inside.sock');
  const inside = await listen(socketPath);
  stack.defer(() => inside.closeAllConnections());
  await announce(socketPath);
});
afterAll(() => stack.disposeAsync());

/** The program in the container. */
async function listen(path: string): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 4 * MEBIBYTE });
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket as Socket, head, (ws) => {
      ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
    });
  });
  await once(server.listen(path), 'listening');
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/up') {
    const hash = createHash('sha256');
    for await (const chunk of request as AsyncIterable<Buffer>) hash.update(chunk);
    return void response.end(hash.digest('hex'));
  }
  if (request.url === '/hold') {
    seen.held += 1;
    return void request.on('close', () => (seen.aborted += 1)).resume();
  }
  seen.produced = 0;
  response.on('close', () => (seen.aborted += response.writableFinished ? 0 : 1));
  const bytes = Number(request.headers['x-bytes'] ?? Infinity);
  await pipeline(Readable.from(pieces(bytes, (sent) => (seen.produced += sent))), response).catch(
    () => undefined,
  );
}

function* pieces(bytes: number, told: (sent: number) => void = () => undefined): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= piece.length) {
    const next = left < piece.length ? piece.subarray(0, left) : piece;
    told(next.length);
    yield next;
  }
}

/** Makes the container known: one whose socket is not on the gateway's machine. */
async function announce(socketPath: string): Promise<void> {
  const platform = stack.use(await TestPlatform.start());
  const deployed = platform.deploy(
    { web: { type: 'asgi' }, run: () => ({ fetch: () => new Response() }) },
    { maxInputs: 100, timeoutMs: 300_000 },
  );
  const { status } = await platform.startContainer(deployed);
  host = deployed.host;
  const route: RouteRecord = {
    ...{
      host,
      functionId: deployed.record.id,
      appId: 'ap-test',
      method: '',
      ephemeral: false,
      createdAtMs: 0,
    },
  };
  await worker.registry.put(registryKeys.function(deployed.record.id), deployed.record);
  await worker.registry.put(registryKeys.route(host), route);
  worker.respond(subjects.worker('wk-elsewhere'), async ({ pipeId }: { pipeId: string }) => {
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    await once(socket, 'connect');
    joinStreams(new BytePipe({ messaging: worker, pipeId, side: 'worker' }), socket);
    cutPipes = () => socket.destroy();
    return { ok: true };
  });
  const tell = (): void =>
    void worker.publish(subjects.workerStatus, {
      ...{ workerId: 'wk-elsewhere', hostname: 'elsewhere', startedAtMs: 1, draining: false },
      capacity: { cpu: 1, memoryMiB: 1 },
      containers: [{ ...status, httpSocketPath: '/elsewhere.sock' }],
    });
  tell();
  const heartbeat = setInterval(tell, WORKER_HEARTBEAT_MS);
  stack.defer(() => clearInterval(heartbeat));
  const isServed = async () =>
    (await send('/down', { headers: { 'x-bytes': '1' } })).resume().statusCode === 200;
  await waitUntil(isServed);
}

function options(path: string, more: RequestOptions = {}): RequestOptions {
  const { headers, ...others } = more;
  const port = Number(new URL(gateway.url).port);
  return {
    host: '127.0.0.1',
    port,
    servername: host,
    path,
    ca,
    ...others,
    headers: { ...headers, host: `${host}:${port}` },
  };
}

async function send(path: string, more?: RequestOptions): Promise<IncomingMessage> {
  const request = httpsRequest(options(path, more));
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function digestOf(source: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return hash.digest('hex');
}

describe('a container of another machine', { timeout: 120_000 }, () => {
  test('gets 100 MB, whole', async () => {
    const request = httpsRequest(options('/up', { method: 'POST' }));
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    await pipeline(Readable.from(pieces(LARGE_BYTES)), request);
    const [response] = await answered;
    expect(String(Buffer.concat(await response.toArray()))).toBe(await digestOf(pieces(LARGE_BYTES)));
  });

  test('sends 100 MB, whole', async () => {
    const response = await send('/down', { headers: { 'x-bytes': String(LARGE_BYTES) } });
    expect(await digestOf(response)).toBe(await digestOf(pieces(LARGE_BYTES)));
  });

  test('is held back by a client that reads slowly', async () => {
    const response = await send('/down', { headers: { 'x-bytes': String(LARGE_BYTES) } });
    let read = 0;
    let most = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      read += chunk.length;
      most = Math.max(most, seen.produced - read);
      // All else that goes on in this process goes first.
      for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(read).toBe(LARGE_BYTES);
    expect(most).toBeLessThan(MOST_ON_THE_WAY);
  });

  test('echoes messages of 2 MiB over a WebSocket, several at once', async () => {
    const { port } = new URL(gateway.url);
    const socket = new WebSocket(`wss://127.0.0.1:${port}/`, {
      ...{ servername: host, ca, headers: { host: `${host}:${port}` }, maxPayload: 4 * MEBIBYTE },
    });
    await once(socket, 'open');
    const messages = Array.from({ length: 8 }, () => randomBytes(2 * MEBIBYTE));
    const echoed: Buffer[] = [];
    socket.on('message', (data) => void echoed.push(data as Buffer));
    for (const message of messages) socket.send(message);
    await expect.poll(() => echoed.length, PATIENCE).toBe(messages.length);
    expect(echoed.every((data, at) => data.equals(messages[at] ?? Buffer.alloc(0)))).toBe(true);
    socket.close(1000, 'done');
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1000);
  });

  test('whose connection is cut in the middle gives its client no whole answer', async () => {
    const response = await send('/down');
    await once(response, 'data');
    cutPipes();
    await expect(digestOf(response)).rejects.toThrow('aborted');
  });

  test('hears that a client left in the middle of an answer', async () => {
    const before = seen.aborted;
    const response = await send('/down');
    await once(response, 'data');
    response.destroy();
    await expect.poll(() => seen.aborted, PATIENCE).toBe(before + 1);
  });

  test('hears that a client left in the middle of its body', async () => {
    const before = { ...seen };
    const request = httpsRequest(options('/hold', { method: 'POST' }));
    request.on('error', () => undefined);
    request.write(piece);
    await expect.poll(() => seen.held, PATIENCE).toBe(before.held + 1);
    request.destroy();
    await expect.poll(() => seen.aborted, PATIENCE).toBe(before.aborted + 1);
  });
});

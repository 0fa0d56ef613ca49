import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { BytePipe, type Messaging } from '@gantry/messaging';
import {
  joinStreams,
  newId,
  subjects,
  type TunnelAddress,
  type TunnelRequest,
  type TunnelStatus,
  type WorkerCommand,
} from '@gantry/protocol';
import { ContainerSocket, Tunnels as ContainerTunnels } from '@gantry/runner/web';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test, vi } from 'vitest';

import { startGatewayOverNats } from '../gateway-over-nats.fixture.ts';
import type { RunningGateway } from '../main.ts';

const PATIENCE = { timeout: 30_000 };
const MEBIBYTE = 1024 * 1024;

const stack = new AsyncDisposableStack();
let gateway: RunningGateway;
let messaging: Messaging;
let ca: string;
let folder: string;

beforeAll(async () => {
  const started = stack.use(await startGatewayOverNats());
  ({ gateway, messaging, ca, folder } = started);
});
afterAll(() => stack.disposeAsync());

/** A worker with one container, in which a program sends back what it gets, and then its goodbye. */
class PlayedWorker implements AsyncDisposable {
  readonly workerId = newId('wk');
  readonly containerId = newId('ta');
  readonly tunnels: ContainerTunnels;
  readonly #path: string;
  readonly #isElsewhere: boolean;
  readonly #open = new Map<number, TunnelStatus>();
  readonly #stack = new AsyncDisposableStack();
  #httpPort = 0;

  constructor({ isElsewhere }: { isElsewhere: boolean }) {
    this.#isElsewhere = isElsewhere;
    this.#path = join(folder, `${this.containerId.slice(-10)}.sock`);
    const socket = new ContainerSocket(this.#path);
    this.tunnels = new ContainerTunnels(socket);
    const { stop } = messaging.respond(subjects.worker(this.workerId), async (command: WorkerCommand) => {
      if (command.type !== 'connect') return { ok: false };
      const inside = connectTcp({ path: this.#path, allowHalfOpen: true });
      const { pipeId } = command;
      joinStreams(new BytePipe({ messaging, pipeId, side: 'worker' }), inside);
      return { ok: true };
    });
    this.#stack.defer(async () => {
      stop();
      this.tunnels.closeAll();
      this.report();
      (await socket.server()).close();
    });
  }

  /** A port at which the program listens. */
  async startProgram(): Promise<number> {
    const program = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        if (!socket.write(data)) socket.pause();
      });
      socket.on('drain', () => socket.resume());
      socket.on('end', () => socket.end('goodbye'));
    });
    await once(program.listen(0, '127.0.0.1'), 'listening');
    this.#stack.defer(() => void program.close());
    this.#httpPort = (program.address() as AddressInfo).port;
    return this.#httpPort;
  }

  async open(port: number, options: { unencrypted?: boolean; http2?: boolean } = {}): Promise<TunnelAddress> {
    const { unencrypted = false, http2 = false } = options;
    const id = await this.tunnels.open(port);
    const tunnel = { id, http2, name: `t-${Math.random().toString(36).slice(2)}` };
    this.#open.set(id, tunnel);
    const { workerId, containerId } = this;
    const httpSocketPath = this.#isElsewhere ? join(folder, 'is-elsewhere.sock') : this.#path;
    const request: TunnelRequest = { tunnel, workerId, containerId, httpSocketPath, unencrypted };
    const address = await messaging.request<TunnelAddress>(subjects.tunnel, request);
    if (address.tcp) this.#open.set(id, { ...tunnel, tcpPort: address.tcp.port });
    this.report();
    return address;
  }

  /** As a container does whose code closes all tunnels. */
  closeTunnels(): void {
    this.tunnels.closeAll();
    this.#open.clear();
    this.report();
  }

  report(): void {
    const httpSocketPath = this.#isElsewhere ? join(folder, 'is-elsewhere.sock') : this.#path;
    const container = {
      ...{ containerId: this.containerId, pool: 'fu-1', functionId: 'fu-1', appId: 'ap-1', version: 1 },
      ...{ state: 'ready', running: 0, maxInputs: 1, startedAtMs: 0, httpSocketPath },
      tunnels: [...this.#open.values()],
    };
    messaging.publish(subjects.workerStatus, {
      ...{ workerId: this.workerId, hostname: 'here', startedAtMs: 1, draining: false },
      ...{ capacity: { cpu: 1, memoryMiB: 1 }, containers: [container] },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#open.clear();
    await this.#stack.disposeAsync();
  }
}

async function overTls(
  { host, port }: TunnelAddress,
  options: ConnectionOptions & { allowHalfOpen?: boolean } = {},
): Promise<TLSSocket> {
  const socket = connectTls({
    ...{ host: '127.0.0.1', port, servername: host, ca, allowHalfOpen: true },
    ...options,
  });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Resolves when the other side has ended a connection, or cut it off. */
async function whenClosed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', resolve);
    socket.resume();
    if (socket.readableEnded || socket.destroyed) resolve();
  });
  socket.destroy();
}

describe.each([
  { where: 'on this machine', isElsewhere: false },
  { where: 'on another machine', isElsewhere: true },
])('a tunnel into a container $where', ({ isElsewhere }) => {
  let worker: PlayedWorker;
  let port: number;
  const heartbeats: NodeJS.Timeout[] = [];

  beforeEach(async () => {
    worker = new PlayedWorker({ isElsewhere });
    heartbeats.push(setInterval(() => worker.report(), 2_000));
    port = await worker.startProgram();
  });
  afterEach(async () => {
    for (const heartbeat of heartbeats.splice(0)) clearInterval(heartbeat);
    await worker[Symbol.asyncDispose]();
  });

  test('passes bytes both ways, and what its program says when the client has ended', async () => {
    const address = await worker.open(port);
    expect(address).toEqual({
      host: expect.stringMatching(/^t-\w+\.gantry\.localhost$/),
      port: Number(new URL(gateway.url).port),
    });
    const socket = await overTls(address);
    const sent = 'abcdefgh'.repeat(MEBIBYTE);
    socket.end(sent);
    const received = await text(socket);
    expect(received.length).toBe(sent.length + 'goodbye'.length);
    expect(received.endsWith('abcdefghgoodbye')).toBe(true);
    expect(received.startsWith(sent)).toBe(true);
  });

  test('has a port for plain TCP where it is asked for, until it is closed', async () => {
    const { tcp } = await worker.open(port, { unencrypted: true });
    if (!tcp) throw new Error('there is no port');
    expect(tcp.host).toBe('127.0.0.1');
    const socket = connectTcp(tcp);
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    worker.closeTunnels();
    await whenClosed(socket);
    await vi.waitFor(async () => expect(await failureOf(connectTcp(tcp))).toBe('ECONNREFUSED'), PATIENCE);
  });

  test('ends the connection of a client when nobody listens at its port', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const nobody = (free.address() as AddressInfo).port;
    free.close();
    await whenClosed(await overTls(await worker.open(nobody)));
  });

  test('cuts its connections when it is closed, and its host name is nobody any more', async () => {
    const address = await worker.open(port);
    const socket = await overTls(address);
    socket.write('hello');
    await once(socket, 'data');
    worker.closeTunnels();
    await whenClosed(socket);
    await vi.waitFor(async () => expect(await askByHttp(address)).toContain('404 Not Found'), PATIENCE);
  });
});

/** Why a connection ended. */
async function failureOf(socket: Socket): Promise<string | undefined> {
  let code: string | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
  await new Promise((resolve) => socket.resume().once('close', resolve));
  return code;
}

async function askByHttp({ host, port }: TunnelAddress, servername = host): Promise<string> {
  const socket = await overTls({ host, port }, { servername, allowHalfOpen: false });
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  return await text(socket);
}

test('a tunnel offers HTTP/2 to clients only where it is asked for, and other protocols as they are', async () => {
  await using worker = new PlayedWorker({ isElsewhere: false });
  const port = await worker.startProgram();
  const [plain, modern] = [await worker.open(port), await worker.open(port, { http2: true })];
  const agreed = async (address: TunnelAddress, ALPNProtocols: string[]) => {
    const socket = await overTls(address, { ALPNProtocols });
    socket.destroy();
    return socket.alpnProtocol;
  };
  expect(await agreed(plain, ['h2', 'http/1.1'])).toBe('http/1.1');
  expect(await agreed(modern, ['h2', 'http/1.1'])).toBe('h2');
  expect(await agreed(plain, ['postgresql'])).toBe('postgresql');
});

test('a request for a tunnel on a connection for another host is sent away, as browsers understand it', async () => {
  await using worker = new PlayedWorker({ isElsewhere: false });
  const address = await worker.open(await worker.startProgram());
  expect(await askByHttp(address, 'gantry.localhost')).toContain('421 Misdirected Request');
});

import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';

import { joinStreams } from '@gantry/protocol';

import type { ContainerSocket } from './container-socket.ts';

/** Programs listen at one of these, or at all addresses. */
const HOSTS = ['127.0.0.1', '::1'];

interface OpenTunnel {
  port: number;
  connections: Set<Socket>;
}

/** Lets gateways connect to ports of this container: those that its code has opened, while they are open. */
export class Tunnels {
  readonly #socket: ContainerSocket;
  readonly #open = new Map<number, OpenTunnel>();
  #lastId = 0;
  #isListening: Promise<void> | undefined;

  constructor(socket: ContainerSocket) {
    this.#socket = socket;
  }

  /** Resolves to the tunnel's number, by which gateways ask for it, once they can. */
  async open(port: number): Promise<number> {
    await (this.#isListening ??= this.#listen());
    const id = ++this.#lastId;
    this.#open.set(id, { port, connections: new Set() });
    return id;
  }

  /** Lets nobody through any more, and cuts off who was. */
  close(id: number): void {
    const tunnel = this.#open.get(id);
    this.#open.delete(id);
    for (const socket of tunnel?.connections ?? []) socket.destroy();
  }

  closeAll(): void {
    for (const id of this.#open.keys()) this.close(id);
  }

  async #listen(): Promise<void> {
    const server = await this.#socket.server();
    server.on('connect', (request, socket, head: Buffer) =>
      this.#connect(request, { socket: socket as Socket, head }),
    );
  }

  /** The target of the request is the tunnel's number, as if it were a host. */
  #connect({ url = '' }: IncomingMessage, { socket, head }: { socket: Socket; head: Buffer }): void {
    socket.on('error', () => socket.destroy());
    const tunnel = this.#open.get(Number(url.split(':')[0]));
    if (!tunnel) return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    socket.pause();
    if (head.length > 0) socket.unshift(head);
    tunnel.connections.add(socket);
    socket.once('close', () => tunnel.connections.delete(socket));
    dial(tunnel.port).then(
      (program) => {
        if (socket.destroyed) return void program.destroy();
        socket.write('HTTP/1.1 200 Connected\r\n\r\n');
        joinStreams(socket, program);
      },
      () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'),
    );
  }
}

/** @throws if nobody listens at the port. */
async function dial(port: number): Promise<Socket> {
  let failure: unknown;
  for (const host of HOSTS) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
        socket.once('error', reject);
        socket.once('connect', () => {
          socket.off('error', reject);
          resolve(socket);
        });
      });
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

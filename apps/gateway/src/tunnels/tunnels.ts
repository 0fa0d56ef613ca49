import type { Server } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import { joinStreams, type TunnelAddress, type TunnelRequest, type WorkerStatus } from '@gantry/protocol';

import type { GatewayConfig } from '../config.ts';
import type { ContainerLink } from '../containers/container-link.ts';
import { enterTunnel } from './enter-tunnel.ts';
import { TcpPorts } from './tcp-ports.ts';
import { TunnelDirectory, type KnownTunnel } from './tunnel-directory.ts';

const KEEP_ALIVE_MS = 60_000;
const EVERYWHERE = new Set(['0.0.0.0', '::']);

/** Connections that are no HTTP for this gateway: bytes to a port of a container, by host name or by TCP port. */
export class Tunnels {
  readonly #config: GatewayConfig;
  readonly #link: ContainerLink;
  readonly #ports: TcpPorts;
  readonly #directory: TunnelDirectory;
  readonly #connections = new Set<Duplex>();
  #httpsPort = 0;

  constructor(config: GatewayConfig, link: ContainerLink) {
    this.#config = config;
    this.#link = link;
    this.#ports = new TcpPorts({
      host: config.host,
      range: config.tunnels?.ports,
      onConnection: (name, socket) => this.#carry(socket, this.#directory.find(name)),
    });
    this.#directory = new TunnelDirectory({
      onChanged: (tunnel) => void this.#followPort(tunnel),
      onClosed: (name) => this.#ports.close(name),
    });
  }

  /** The tunnel of a host name. */
  find(host: string | undefined): KnownTunnel | undefined {
    const { domain } = this.#config;
    return host?.endsWith(`.${domain}`) ? this.#directory.find(host.slice(0, -domain.length - 1)) : undefined;
  }

  /** What the client of a tunnel speaks inside TLS, of what it offers. */
  protocolOf({ http2 }: KnownTunnel, offered: readonly string[]): string | undefined {
    return offered.find((protocol) => http2 || protocol !== 'h2');
  }

  /** Takes over the server's secure connections that are for tunnels. The server listens at `httpsPort`. */
  takeFrom(server: Server): void {
    const others = server.listeners('secureConnection') as ((this: Server, socket: TLSSocket) => void)[];
    server.removeAllListeners('secureConnection');
    server.on('secureConnection', (socket) => {
      const tunnel = this.find(socket.servername || undefined);
      if (!tunnel) return others.forEach((listener) => listener.call(server, socket));
      // Its client may end its side and still read.
      socket.allowHalfOpen = true;
      this.#carry(socket, tunnel);
    });
    server.once('listening', () => (this.#httpsPort = (server.address() as { port: number }).port));
  }

  /** Opens a tunnel for a worker. @throws ResourceExhaustedError if it is to have a port and none is free. */
  async open(request: TunnelRequest): Promise<TunnelAddress> {
    const { name } = this.#directory.add(request);
    const { domain, host, tunnels } = this.#config;
    const address = { host: `${name}.${domain}`, port: this.#httpsPort };
    if (!request.unencrypted) return address;
    const port = await this.#ports.openFree(name);
    if (!this.#directory.find(name)) this.#ports.close(name);
    const isOwn = isIP(host) !== 0 && !EVERYWHERE.has(host);
    return { ...address, tcp: { host: tunnels?.host ?? (isOwn ? host : domain), port } };
  }

  receive(status: WorkerStatus, nowMs: number): void {
    this.#directory.receive(status, nowMs);
  }

  dropSilentWorkers(nowMs: number): void {
    this.#directory.dropSilentWorkers(nowMs);
  }

  /** Takes no more connections by TCP ports. */
  close(): void {
    this.#ports.closeAll();
  }

  /** Cuts all connections. */
  cut(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Listens where another gateway does for the same tunnel: clients may come to either. */
  async #followPort({ name, tcpPort }: KnownTunnel): Promise<void> {
    if (tcpPort === undefined || this.#ports.has(name)) return;
    try {
      await this.#ports.open(name, tcpPort);
      if (!this.#directory.find(name)) this.#ports.close(name);
    } catch (err) {
      this.#config.log.info({ err, port: tcpPort }, 'a tunnel has no port for plain TCP at this gateway');
    }
  }

  #carry(socket: Socket, tunnel: KnownTunnel | undefined): void {
    socket.on('error', () => socket.destroy());
    if (!tunnel) return void socket.destroy();
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#connections.add(socket);
    socket.once('close', () => this.#connections.delete(socket));
    enterTunnel(this.#link, tunnel).then(
      (inside) => (socket.destroyed ? inside.destroy() : joinStreams(socket, inside)),
      (err: unknown) => {
        this.#config.log.debug({ err, containerId: tunnel.container.containerId }, 'a tunnel led nowhere');
        socket.destroy();
      },
    );
  }
}

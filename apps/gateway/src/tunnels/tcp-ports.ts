import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { ResourceExhaustedError } from '@gantry/protocol';

/** Ports to take for plain TCP; undefined for any that is free. */
export interface PortRange {
  from: number;
  to: number;
}

export interface TcpPortsOptions {
  host: string;
  range: PortRange | undefined;
  onConnection(name: string, socket: Socket): void;
}

/** The ports of this gateway that lead into tunnels as they are, without TLS. */
export class TcpPorts {
  readonly #options: TcpPortsOptions;
  readonly #servers = new Map<string, Server>();

  constructor(options: TcpPortsOptions) {
    this.#options = options;
  }

  has(name: string): boolean {
    return this.#servers.has(name);
  }

  /**
   * Listens on a free port for a tunnel; resolves to it.
   *
   * @throws ResourceExhaustedError if all ports are taken.
   */
  async openFree(name: string): Promise<number> {
    for (const port of this.#candidates()) {
      try {
        return await this.open(name, port);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
    throw new ResourceExhaustedError('all ports of the gateway for plain TCP are taken', {
      hint: 'Close a tunnel that is not needed, or start the gateway with a wider range: --tunnel-ports.',
    });
  }

  /** Listens on this port. @throws an error of the system if that cannot be. */
  open(name: string, port: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#options.onConnection(name, socket),
    );
    this.#servers.set(name, server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => {
        if (this.#servers.get(name) === server) this.#servers.delete(name);
        reject(error);
      });
      server.listen({ host: this.#options.host, port }, () =>
        resolve((server.address() as AddressInfo).port),
      );
    });
  }

  close(name: string): void {
    this.#servers.get(name)?.close();
    this.#servers.delete(name);
  }

  closeAll(): void {
    for (const name of this.#servers.keys()) this.close(name);
  }

  /** From a place that nobody can foretell, so that tunnels rarely get the port of one that was closed. */
  *#candidates(): Generator<number> {
    const { range } = this.#options;
    if (!range) return yield 0;
    const count = range.to - range.from + 1;
    const start = Math.floor(Math.random() * count);
    for (let i = 0; i < count; i++) yield range.from + ((start + i) % count);
  }
}

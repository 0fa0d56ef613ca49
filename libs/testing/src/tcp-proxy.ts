import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

interface Pair {
  client: Socket;
  /** Undefined until the proxy lets the connection through. */
  target: Socket | undefined;
}

type Mode = 'open' | 'cut' | 'held';

/**
 * Passes TCP connections on, and breaks them as networks do.
 *
 * Invariants
 *   X1. While cut, every connection is reset, new ones too.
 *   X2. While held, no byte and no end of a connection gets through; afterwards all of it does, in order.
 *   X3. A connection that was lost stays silent for ever, whatever happens to others; only its end ends it.
 */
export class TcpProxy {
  readonly #server: Server;
  readonly #targets: readonly number[];
  readonly #pairs = new Set<Pair>();
  readonly #lost = new Set<Pair>();
  #mode: Mode = 'open';
  #next = 0;

  private constructor(server: Server, targets: readonly number[]) {
    this.#server = server;
    this.#targets = targets;
    server.on('connection', (client) => this.#accept(client));
  }

  /** Listens on a free loopback port; takes the `targets`, other such ports, in turn, and skips those that refuse. */
  static async open(...targets: number[]): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(server, targets);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets all connections, and each new one until {@link heal}. */
  cut(): void {
    this.#mode = 'cut';
    for (const pair of this.#pairs) this.#end(pair);
  }

  /** Lets nothing through until {@link heal}; nobody is told. */
  hold(): void {
    this.#mode = 'held';
    for (const { client, target } of this.#pairs) [client, target].forEach((socket) => socket?.pause());
  }

  /** All present connections fall silent for good, as if the machine behind them had lost its power. */
  lose(): void {
    for (const pair of this.#pairs) {
      this.#lost.add(pair);
      [pair.client, pair.target].forEach((socket) => socket?.unpipe().pause());
    }
    this.#pairs.clear();
  }

  heal(): void {
    this.#mode = 'open';
    for (const pair of this.#pairs) {
      if (!pair.target) this.#connect(pair);
      else if (pair.target.destroyed || pair.client.destroyed) this.#end(pair);
      else [pair.client, pair.target].forEach((socket) => socket.resume());
    }
  }

  async close(): Promise<void> {
    for (const pair of [...this.#pairs, ...this.#lost]) this.#end(pair);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#mode === 'cut') return void client.resetAndDestroy();
    const pair: Pair = { client, target: undefined };
    this.#pairs.add(pair);
    client.on('close', () => this.#closed(pair));
    if (this.#mode === 'held') client.pause();
    else this.#connect(pair);
  }

  #connect(pair: Pair, refusals = 0): void {
    const port = this.#targets[this.#next++ % this.#targets.length] ?? 0;
    const target = connect({ port, host: '127.0.0.1', noDelay: true });
    pair.target = target;
    pair.client.setNoDelay(true);
    let isConnected = false;
    target.on('error', () => undefined);
    target.once('connect', () => {
      isConnected = true;
      if (this.#lost.has(pair)) return;
      pair.client.pipe(target);
      target.pipe(pair.client);
      if (this.#mode === 'held') [pair.client, target].forEach((socket) => socket.pause());
    });
    target.once('close', () => {
      const mayTryOthers = !isConnected && refusals + 1 < this.#targets.length && !pair.client.destroyed;
      if (mayTryOthers && this.#mode === 'open') this.#connect(pair, refusals + 1);
      else this.#closed(pair);
    });
  }

  #closed(pair: Pair): void {
    if (this.#lost.has(pair)) {
      if (pair.client.destroyed) this.#end(pair);
      return;
    }
    if (this.#mode !== 'held') this.#end(pair);
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    this.#lost.delete(pair);
    pair.client.resetAndDestroy();
    pair.target?.resetAndDestroy();
  }
}

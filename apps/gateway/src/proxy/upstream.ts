import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Dispatcher as UndiciDispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';

const MAX_HEADER_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 60_000;
/** Requests that answer without a slot of the container (docs, refusals) come on top of those that have one. */
const SPARE_CONNECTIONS = 4;

/** Kept connections to one container's HTTP socket, opened when first needed. */
export class Upstream {
  readonly #connect: () => Promise<Duplex>;
  readonly #connections: number;
  #pool: InstanceType<typeof Pool> | undefined;
  #isClosed = false;

  constructor(connect: () => Promise<Duplex>, maxInputs: number) {
    this.#connect = connect;
    this.#connections = maxInputs + SPARE_CONNECTIONS;
  }

  /** Sends a request; everything that happens to it is told to the handler. */
  send(options: UndiciDispatcher.DispatchOptions, handler: UndiciDispatcher.DispatchHandler): void {
    this.#pool ??= new Pool('http://container', {
      connect: (_options, done) => {
        this.#connect().then(
          // A socket, or what does all that sockets do here.
          (connection) => done(null, connection as Socket),
          (error: Error) => done(error, null),
        );
      },
      connections: this.#connections,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // A handler may take a day; its container watches the time.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    this.#pool.dispatch(options, handler);
  }

  /** Lets running requests end. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pool?.close().catch(() => undefined);
  }

  /** Cuts running requests off. */
  destroy(): void {
    this.#isClosed = true;
    this.#pool?.destroy().catch(() => undefined);
  }
}

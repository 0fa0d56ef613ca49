import { Pool, type Dispatcher as UndiciDispatcher } from 'undici';

const MAX_HEADER_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 60_000;
/** Requests that answer without a slot of the container (docs, refusals) come on top of those that have one. */
const SPARE_CONNECTIONS = 4;

/** Kept connections to one container's HTTP socket, opened when first needed. */
export class Upstream {
  readonly #socketPath: () => string;
  readonly #connections: number;
  #pool: Pool | undefined;
  #isClosed = false;

  /** `socketPath` is asked when the first request is sent: a container that starts has none yet. */
  constructor(socketPath: () => string, maxInputs: number) {
    this.#socketPath = socketPath;
    this.#connections = maxInputs + SPARE_CONNECTIONS;
  }

  /** Sends a request; everything that happens to it is told to the handler. */
  send(options: UndiciDispatcher.DispatchOptions, handler: UndiciDispatcher.DispatchHandler): void {
    this.#pool ??= new Pool('http://container', {
      socketPath: this.#socketPath(),
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

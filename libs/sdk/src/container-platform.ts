import { callSessionKey, type ClientMessage, type FunctionLookup } from '@gantry/protocol';

import { CallTracker } from './call-tracker.ts';
import type { ContainerHost } from './host.ts';
import { inlinePayloads } from './payloads.ts';
import { LookupCache, type ObjectApi, type Platform } from './platform.ts';
import type { Transport, TransportListener } from './transport.ts';

/** Calls from inside a container, through its runner and worker. */
export class ContainerPlatform implements Platform {
  readonly closed = false;
  readonly tracker: CallTracker;
  readonly objects: ObjectApi;
  readonly #host: ContainerHost;
  readonly #lookups: LookupCache;

  constructor(host: ContainerHost) {
    this.#host = host;
    this.objects = new HostObjects(host);
    this.tracker = new CallTracker(new HostTransport(host), inlinePayloads);
    this.#lookups = new LookupCache((app, name, environment) => host.lookup(app, name, environment));
  }

  get environment(): string {
    return this.#host.environment;
  }

  lookup(app: string, name: string, environment?: string): Promise<FunctionLookup> {
    return this.#lookups.lookup(app, name, environment);
  }

  forgetLookup(): void {
    this.#lookups.clear();
  }

  currentInputId(): string | undefined {
    return this.#host.currentInput()?.inputId;
  }
}

/** Containers hold no token of the server's API: their worker answers in its place. */
class HostObjects implements ObjectApi {
  readonly #host: ContainerHost;

  constructor(host: ContainerHost) {
    this.#host = host;
  }

  async json<T>(path: string, { method = 'GET', body }: Parameters<ObjectApi['json']>[1] = {}): Promise<T> {
    return (await this.#host.object({ type: 'json', method, path, body })) as T;
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const stream = (await this.#host.object({ type: 'open', path })) as number;
    try {
      for (;;) {
        const part = await this.#host.object({ type: 'next', stream });
        if (!(part instanceof Uint8Array)) return;
        yield part;
      }
    } finally {
      // Whoever leaves need not wait, or hear that it had ended.
      this.#host.object({ type: 'close', stream }).catch(() => undefined);
    }
  }
}

/** The runner's connection to its worker lasts as long as the process, so there is nothing to reconnect. */
class HostTransport implements Transport {
  readonly sessionKey: string;
  readonly #host: ContainerHost;

  constructor(host: ContainerHost) {
    this.#host = host;
    this.sessionKey = callSessionKey(host.containerId);
  }

  listen(listener: TransportListener): void {
    this.#host.onMessage((message) => listener.onMessage(message));
  }

  send(message: ClientMessage): void {
    this.#host.send(message);
  }

  setBusy(): void {
    // The runner decides how long the process lives.
  }

  close(): void {
    // The connection is the runner's.
  }
}

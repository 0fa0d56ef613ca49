import { callSessionKey, type ClientMessage, type FunctionLookup, InvalidError } from '@gantry/protocol';

import { CallTracker } from './call-tracker.ts';
import type { ContainerHost } from './host.ts';
import { inlinePayloads } from './payloads.ts';
import { LookupCache, type ObjectApi, type Platform } from './platform.ts';
import type { Transport, TransportListener } from './transport.ts';

/** Calls from inside a container, through its runner and worker. */
export class ContainerPlatform implements Platform {
  readonly closed = false;
  readonly tracker: CallTracker;
  readonly objects: ObjectApi = outsideOnly;
  readonly #host: ContainerHost;
  readonly #lookups: LookupCache;

  constructor(host: ContainerHost) {
    this.#host = host;
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

// Containers hold no token of the server's API.
const outsideOnly: ObjectApi = {
  json: () => Promise.reject(notHere()),
  async *stream() {
    throw notHere();
  },
};

function notHere(): InvalidError {
  return new InvalidError('this cannot be done inside of a container', {
    hint: 'Do it in a program outside, such as the entrypoint of the app.',
  });
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

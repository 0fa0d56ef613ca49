import { jetstream, type JetStreamClient, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import {
  connect,
  createInbox,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { ConnectionError } from '@gantry/protocol';

import { repeatRequest } from './repeated-request.ts';
import { translateError } from './vendor-errors.ts';

/** How a process reaches NATS. */
export interface MessagingOptions {
  /** One or several addresses, comma-separated; may carry `token@` or `user:password@`. */
  url: string;
  /** Names this connection in the reports of nats-server. */
  name: string;
  /** Operations per second that the workspace may begin, over all its processes. @defaultValue no limit */
  rateLimit?: number | undefined;
  /** What answers in this process, given to each of its connections. @defaultValue nothing does */
  nearby?: Nearby | undefined;
  /** Told about a listener that threw, or a message that could not be read. @defaultValue a process warning */
  onError?: (error: unknown, context: string) => void;
}

/**
 * Handlers by subject. Where the parts of a platform share a process, a request of one to another need not go through
 * NATS; its messages are then shared, and not copied.
 */
export type Nearby = Map<string, Handler>;

/** What answers requests, at once or by a promise. */
export type Handler = (message: unknown) => unknown;

const FIRST_CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_WAIT_MS = 200;
/** A peer that vanished without a word is given up after three of these. */
const PING_INTERVAL_MS = 2_000;

/** What the parts of this library share: one connection, and what happens when it was lost and came back. */
export class NatsLink {
  readonly connection: NatsConnection;
  readonly jetstream: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly #reconnectListeners = new Set<(lostAtMs: number) => void>();
  readonly #onError: (error: unknown, context: string) => void;
  #asking: Promise<void> | undefined;

  private constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    onError: (error: unknown, context: string) => void,
  ) {
    this.connection = connection;
    this.jetstream = jetstream(connection);
    this.manager = manager;
    this.#onError = onError;
    void this.#followStatus();
  }

  /** @throws {@link ConnectionError} when nats-server cannot be reached or refuses. */
  static async open(options: MessagingOptions): Promise<NatsLink> {
    try {
      const connection = await connect({
        ...parseNatsUrl(options.url),
        name: options.name,
        timeout: FIRST_CONNECT_TIMEOUT_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: RECONNECT_WAIT_MS,
        ignoreAuthErrorAbort: true,
        pingInterval: PING_INTERVAL_MS,
        noAsyncTraces: true,
      });
      const manager = await jetstreamManager(connection, { checkAPI: false });
      return new NatsLink(connection, manager, options.onError ?? warn);
    } catch (cause) {
      throw new ConnectionError(`NATS at "${withoutCredentials(options.url)}" cannot be reached`, {
        cause,
        hint: 'Start nats-server with JetStream, or correct the address and its credentials.',
      });
    }
  }

  get serverVersion(): string {
    return this.connection.info?.version ?? 'unknown';
  }

  /** True for a server of at least this version; newer features are used only then. */
  isAtLeast(major: number, minor: number): boolean {
    const [actualMajor = 0, actualMinor = 0] = this.serverVersion.split('.').map(Number);
    return actualMajor > major || (actualMajor === major && actualMinor >= minor);
  }

  newInbox(): string {
    return createInbox();
  }

  /**
   * Plain subscription. A listener that throws is reported, never propagated: it would end the client's
   * reader, and with it every other subscription.
   */
  listen(subject: string, listener: (message: Msg) => void, queue?: string): { stop(): void } {
    const subscription = this.connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error) return this.report(error, `subscription "${subject}"`);
        try {
          listener(message);
        } catch (failure) {
          this.report(failure, `message on "${message.subject}"`);
        }
      },
    });
    return { stop: () => subscription.unsubscribe() };
  }

  /** Resolves when nats-server has what was published so far; many that ask in one turn are one question. */
  delivered(): Promise<void> {
    this.#asking ??= Promise.resolve().then(() => {
      this.#asking = undefined;
      return this.connection.flush();
    });
    return this.#asking;
  }

  /** Runs a request of the JetStream API and translates its errors; `what` names it in messages. */
  async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw translateError(error, what);
    }
  }

  /** Like {@link ask}, for requests that are harmless to repeat: they outlast a broker that is away for 15 s. */
  async askUntilAnswered<T>(what: string, request: () => Promise<T>): Promise<T> {
    return await this.ask(what, () => repeatRequest({ what, link: this }, request));
  }

  /** Calls the listener after each reconnect, with the wall-clock time at which the connection was found lost. */
  onReconnect(listener: (lostAtMs: number) => void): { stop(): void } {
    this.#reconnectListeners.add(listener);
    return { stop: () => void this.#reconnectListeners.delete(listener) };
  }

  report(error: unknown, context: string): void {
    this.#onError(error, context);
  }

  async #followStatus(): Promise<void> {
    let lostAtMs = Date.now();
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') lostAtMs = Date.now();
      if (status.type !== 'reconnect') continue;
      for (const listener of this.#reconnectListeners) {
        try {
          listener(lostAtMs);
        } catch (error) {
          this.report(error, 'reconnect');
        }
      }
    }
  }
}

/** Splits credentials from addresses: `nats://token@host:4222`, `nats://user:password@a:4222,nats://b:4222`. */
export function parseNatsUrl(
  url: string,
): Pick<NodeConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'tls'> {
  const addresses = url.split(',').map((text) => {
    const trimmed = text.trim();
    return new URL(trimmed.includes('://') ? trimmed : `nats://${trimmed}`);
  });
  const servers = addresses.map((address) => `${address.hostname}:${address.port || '4222'}`);
  const tls = addresses.some((address) => address.protocol === 'tls:') ? { tls: {} } : {};
  const named = addresses.find((address) => address.username !== '');
  if (!named) return { servers, ...tls };
  const user = decodeURIComponent(named.username);
  if (named.password === '') return { servers, token: user, ...tls };
  return { servers, user, pass: decodeURIComponent(named.password), ...tls };
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/g, '//');
}

function warn(error: unknown, context: string): void {
  process.emitWarning(
    `${context}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    {
      code: 'GANTRY_MESSAGING',
    },
  );
}

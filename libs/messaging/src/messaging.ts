import type { Msg } from '@nats-io/transport-node';
import {
  decodeFrame,
  encodeFrame,
  fromWireError,
  subjects,
  toWireError,
  type WireError,
} from '@gantry/protocol';

import { DurablePublisher, type DurableOptions, type StoreResult } from './durable-publisher.ts';
import { type InputQueue, NatsInputQueue } from './input-queue.ts';
import { type LeaseStore, NatsLeaseStore } from './lease-store.ts';
import { type CallLinks, NatsCallLinks } from './call-links.ts';
import { type JournalStore, NatsJournalStore } from './journal-store.ts';
import { type LogStore, NatsLogStore } from './log-store.ts';
import { type Handler, type MessagingOptions, NatsLink, type Nearby } from './nats-link.ts';
import { NO_RATE_LIMIT, type RateLimit, SharedRateLimit } from './rate-limit.ts';
import { NearDesk } from './near/near-desk.ts';
import { NearLink } from './near/near-link.ts';
import type { NearAddress } from './near/near-messages.ts';
import { NatsOutputStore, type OutputStore } from './output-store.ts';
import { NatsRegistry, type Registry } from './registry.ts';
import { NatsRunStore, type RunStore } from './run-store.ts';
import { NatsUsageStore, type UsageStore } from './usage-store.ts';
import { ensureStreams } from './streams.ts';

/** Everything Gantry's processes say to each other, and everything they keep, through NATS. */
export interface Messaging {
  /** nats-server as it introduced itself. */
  readonly server: { version: string };
  /** Creates missing streams and buckets: 1 replica, or 3 in a cluster. Harmless to repeat. */
  ensureStreams(): Promise<void>;
  /**
   * Publishes to a stream and resolves when the message is on disk. Sent again after a reconnect and after 5 s
   * of silence; with a message id that is harmless.
   *
   * @throws ResourceExhaustedError when the stream is full, InternalFailure when JetStream stays away.
   */
  publishDurable(subject: string, body: Uint8Array, options?: DurableOptions): Promise<StoreResult>;
  /** Publishes to whoever listens now. */
  publish(subject: string, message: unknown): void;
  subscribe<T>(subject: string, listener: (message: T, subject: string) => void): { stop(): void };
  /** @throws the error of the handler, GantryTimeoutError after `timeoutMs` (5 s), InternalFailure if nobody is there. */
  request<T>(subject: string, message: unknown, options?: RequestOptions): Promise<T>;
  /** What answers requests of a subject in this process, if they may be nearby. It may fail at once, or answer at once. */
  nearby(subject: string): Handler | undefined;
  /** The handler answers at once, or by a promise. */
  respond<TRequest, TReply>(
    subject: string,
    handler: (message: TRequest) => TReply | Promise<TReply>,
    options?: RespondOptions,
  ): { stop(): void };
  /** Calls `listener` each time the connection was lost and is back. Subscriptions are restored by then. */
  /** Resolves when the broker knows of all that was subscribed and published before. */
  flush(): Promise<void>;
  onReconnect(listener: () => void): void;
  readonly inputs: InputQueue;
  readonly outputs: OutputStore;
  readonly registry: Registry;
  readonly leases: LeaseStore;
  readonly logs: LogStore;
  readonly runs: RunStore;
  readonly links: CallLinks;
  readonly journals: JournalStore;
  readonly usage: UsageStore;
  readonly rate: RateLimit;
  close(): Promise<void>;
}

export interface NearbyOptions {
  /**
   * Without NATS if asked and asker are in one process, or on one machine. Both must say so, change no message, and bear it
   * that a request which failed as `UNAVAILABLE` is sent again. @defaultValue false
   */
  nearby?: boolean;
}

export interface RespondOptions extends NearbyOptions {
  /** Of those that name the same group, one gets each request. @defaultValue all of them get it */
  group?: string;
}

export interface RequestOptions extends NearbyOptions {
  /** Of a request that goes through NATS. @defaultValue 5000 */
  timeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Connects to NATS, and reconnects for ever once connected.
 *
 * @throws ConnectionError when the first connection fails.
 * @example
 * ```ts
 * const messaging = await connectMessaging({ url: 'nats://127.0.0.1:4222', name: 'server' });
 * await messaging.ensureStreams();
 * ```
 */
export async function connectMessaging(options: MessagingOptions): Promise<Messaging> {
  return new NatsMessaging(await NatsLink.open(options), options);
}

type Reply = { value: unknown } | { error: WireError };

class NatsMessaging implements Messaging {
  readonly inputs: InputQueue;
  readonly outputs: OutputStore;
  readonly registry: Registry;
  readonly leases: LeaseStore;
  readonly logs: LogStore;
  readonly runs: RunStore;
  readonly links: CallLinks;
  readonly journals: JournalStore;
  readonly usage: UsageStore;
  readonly rate: RateLimit;
  readonly #link: NatsLink;
  readonly #publisher: DurablePublisher;
  readonly #nearby: Nearby | undefined;
  /** By subject. */
  readonly #nearLinks = new Map<string, NearLink>();

  constructor(link: NatsLink, { rateLimit, nearby }: MessagingOptions) {
    this.#link = link;
    this.#nearby = nearby;
    this.#publisher = new DurablePublisher(link);
    this.inputs = new NatsInputQueue(link, this.#publisher);
    this.outputs = new NatsOutputStore(link, this.#publisher);
    this.registry = new NatsRegistry(link);
    this.leases = new NatsLeaseStore(link);
    this.logs = new NatsLogStore(link, this.#publisher);
    this.links = new NatsCallLinks(link);
    this.journals = new NatsJournalStore(link);
    this.runs = new NatsRunStore(link, this.#publisher);
    this.usage = new NatsUsageStore(link, this.#publisher);
    this.rate =
      rateLimit === undefined
        ? NO_RATE_LIMIT
        : new SharedRateLimit({ messaging: this, perSecond: rateLimit });
  }

  get server(): { version: string } {
    return { version: this.#link.serverVersion };
  }

  async ensureStreams(): Promise<void> {
    await ensureStreams(this.#link);
  }

  publishDurable(subject: string, body: Uint8Array, options?: DurableOptions): Promise<StoreResult> {
    return this.#publisher.publish(subject, body, options);
  }

  publish(subject: string, message: unknown): void {
    this.#link.connection.publish(subject, encodeFrame(message));
  }

  subscribe<T>(subject: string, listener: (message: T, subject: string) => void): { stop(): void } {
    return this.#link.listen(subject, (message) => listener(decodeFrame<T>(message.data), message.subject));
  }

  async request<T>(subject: string, message: unknown, options: RequestOptions = {}): Promise<T> {
    const timeout = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    if (options.nearby === true) {
      const handler = this.nearby(subject);
      if (handler) return (await handler(message)) as T;
      const answered = this.#near(subject).ask(message, timeout);
      if (answered) return (await answered) as T;
    }
    const answer = await this.#link.ask(`request to "${subject}"`, () =>
      this.#link.connection.request(subject, encodeFrame(message), { timeout }),
    );
    const reply = decodeFrame<Reply>(answer.data);
    if ('error' in reply) throw fromWireError(reply.error);
    return reply.value as T;
  }

  nearby(subject: string): Handler | undefined {
    return this.#nearby?.get(subject);
  }

  respond<TRequest, TReply>(
    subject: string,
    handler: (message: TRequest) => TReply | Promise<TReply>,
    options: RespondOptions = {},
  ): { stop(): void } {
    const near = handler as Handler;
    const desk = options.nearby === true ? this.#respondNearby(subject, near) : undefined;
    const respondTo = (message: Msg): void => {
      void answer(() => handler(decodeFrame<TRequest>(message.data))).then((reply) => {
        if (!this.#link.connection.isClosed()) message.respond(encodeFrame(reply));
      });
    };
    const subscription = this.#link.listen(subject, respondTo, options.group);
    return {
      stop: () => {
        subscription.stop();
        desk?.stop();
      },
    };
  }

  /** Answers this process by a call, and others of this machine, once they ask where, over a socket. */
  #respondNearby(subject: string, handler: Handler): { stop(): void } {
    this.#nearby?.set(subject, handler);
    let desk: Promise<NearDesk | undefined> | undefined;
    const directions = this.respond(subjects.near(subject), async () => {
      desk ??= NearDesk.open(handler);
      return (await desk)?.address;
    });
    return {
      stop: () => {
        directions.stop();
        void desk?.then((opened) => opened?.close());
        if (this.#nearby?.get(subject) === handler) this.#nearby.delete(subject);
      },
    };
  }

  #near(subject: string): NearLink {
    let link = this.#nearLinks.get(subject);
    if (!link) {
      link = new NearLink(() => this.request<NearAddress | undefined>(subjects.near(subject), null));
      this.#nearLinks.set(subject, link);
    }
    return link;
  }

  async flush(): Promise<void> {
    await this.#link.ask('flush', () => this.#link.connection.flush());
  }

  onReconnect(listener: () => void): void {
    this.#link.onReconnect(listener);
  }

  async close(): Promise<void> {
    if (this.#link.connection.isClosed()) return;
    this.rate.close();
    for (const link of this.#nearLinks.values()) link.close();
    // What was published without waiting, such as acknowledgements, still leaves.
    await Promise.race([
      this.#link.connection.flush().catch(() => undefined),
      new Promise((resolve) => setTimeout(resolve, 500).unref()),
    ]);
    this.#publisher.close();
    await this.#link.connection.close();
  }
}

async function answer(handle: () => unknown): Promise<Reply> {
  try {
    return { value: await handle() };
  } catch (error) {
    return { error: toWireError(error) };
  }
}

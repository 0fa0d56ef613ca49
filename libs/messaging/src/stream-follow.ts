import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { type Msg, nanos } from '@nats-io/transport-node';

import { parseAckSubject } from './ack-subject.ts';
import type { NatsLink } from './nats-link.ts';

export interface StreamFollowOptions {
  stream: string;
  filter: string;
  /** Where to begin: the newest message of each subject, all messages, those since an instant, or from one on. */
  start:
    | { type: 'lastPerSubject' }
    | { type: 'all' }
    | { type: 'since'; timeMs: number }
    | { type: 'from'; sequence: number };
  onMessage: (message: Msg, sequence: number) => void;
}

const HEARTBEAT_MS = 5_000;
const SILENT_AFTER_MS = 12_000;
const INACTIVE_MS = 30_000;
const REOPEN_MS = 500;

/**
 * Reads messages of a stream in order, first those that are there, then new ones as they come.
 *
 * A short-lived consumer in the server's memory pushes them. When a gap, silence or a reconnect shows that it
 * is gone, another one is made: after the last message seen, or, for `lastPerSubject`, from the beginning
 * (the reader compares revisions).
 */
export class StreamFollow {
  readonly #link: NatsLink;
  readonly #options: StreamFollowOptions;
  readonly #watchdog: NodeJS.Timeout;
  readonly #reconnects: { stop(): void };
  #subscription: { stop(): void } | undefined;
  #consumer: string | undefined;
  #generation = 0;
  #consumerSequence = 0;
  #lastSequence = 0;
  #heardAtMs = Date.now();
  #stopped = false;
  readonly #caughtUp: Promise<void>;
  #resolveCaughtUp: () => void = () => undefined;

  private constructor(link: NatsLink, options: StreamFollowOptions) {
    this.#link = link;
    this.#options = options;
    this.#caughtUp = new Promise((resolve) => {
      this.#resolveCaughtUp = resolve;
    });
    this.#reconnects = link.onReconnect(() => this.#reopen());
    this.#watchdog = setInterval(() => {
      if (Date.now() - this.#heardAtMs > SILENT_AFTER_MS) this.#reopen();
    }, HEARTBEAT_MS);
  }

  static async open(link: NatsLink, options: StreamFollowOptions): Promise<StreamFollow> {
    const follow = new StreamFollow(link, options);
    try {
      await link.ask(`reading "${options.filter}"`, () => follow.#start());
    } catch (error) {
      follow.stop();
      throw error;
    }
    return follow;
  }

  /** Resolves once everything that was there at the beginning has been handed on, or `stop` was called. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#watchdog);
    this.#reconnects.stop();
    this.#dropConsumer();
    this.#resolveCaughtUp();
  }

  async #start(): Promise<void> {
    const generation = ++this.#generation;
    this.#dropConsumer();
    this.#consumerSequence = 0;
    this.#heardAtMs = Date.now();
    const inbox = this.#link.newInbox();
    this.#subscription = this.#link.listen(inbox, (message) => {
      if (generation === this.#generation) this.#onMessage(message);
    });
    const info = await this.#link.manager.consumers.add(this.#options.stream, this.#consumerConfig(inbox));
    if (generation !== this.#generation || this.#stopped) {
      this.#deleteConsumer(info.name);
      return;
    }
    this.#consumer = info.name;
    if (info.num_pending === 0 && info.delivered.consumer_seq === 0) this.#resolveCaughtUp();
  }

  #consumerConfig(inbox: string): Partial<ConsumerConfig> {
    return {
      deliver_subject: inbox,
      filter_subject: this.#options.filter,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      max_deliver: 1,
      mem_storage: true,
      num_replicas: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(INACTIVE_MS),
      ...this.#startPosition(),
    };
  }

  #startPosition(): Partial<ConsumerConfig> {
    const { start } = this.#options;
    if (start.type === 'lastPerSubject') return { deliver_policy: DeliverPolicy.LastPerSubject };
    if (this.#lastSequence > 0) {
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#lastSequence + 1 };
    }
    if (start.type === 'from')
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence };
    if (start.type === 'all') return { deliver_policy: DeliverPolicy.All };
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.timeMs).toISOString() };
  }

  #onMessage(message: Msg): void {
    this.#heardAtMs = Date.now();
    const facts = message.reply ? parseAckSubject(message.reply) : undefined;
    if (!facts) {
      this.#onStatus(message);
      return;
    }
    if (facts.consumerSequence !== this.#consumerSequence + 1) {
      this.#reopen();
      return;
    }
    this.#consumerSequence = facts.consumerSequence;
    this.#lastSequence = facts.streamSequence;
    this.#options.onMessage(message, facts.streamSequence);
    if (facts.pending === 0) this.#resolveCaughtUp();
  }

  // Heartbeats and flow control: the server stops pushing until its question is answered.
  #onStatus(message: Msg): void {
    if (message.reply) message.respond();
    const stalled = message.headers?.get('Nats-Consumer-Stalled');
    if (stalled) this.#link.connection.publish(stalled);
  }

  #reopen(): void {
    if (this.#stopped) return;
    this.#start().catch((error: unknown) => {
      if (this.#stopped) return;
      this.#link.report(error, `reading "${this.#options.filter}"`);
      setTimeout(() => this.#reopen(), REOPEN_MS).unref();
    });
  }

  #dropConsumer(): void {
    this.#subscription?.stop();
    this.#subscription = undefined;
    if (this.#consumer) this.#deleteConsumer(this.#consumer);
    this.#consumer = undefined;
  }

  // Best effort: without interest the server removes it by itself after half a minute.
  #deleteConsumer(name: string): void {
    if (this.#link.connection.isClosed()) return;
    this.#link.manager.consumers.delete(this.#options.stream, name).catch(() => undefined);
  }
}

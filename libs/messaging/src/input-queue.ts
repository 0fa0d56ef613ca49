import type { Msg } from '@nats-io/transport-node';
import { decodeFrame, encodeFrame, type InputMessage, STREAMS, subjects } from '@gantry/protocol';

import { parseAckSubject } from './ack-subject.ts';
import type { DurablePublisher, StoreResult } from './durable-publisher.ts';
import type { NatsLink } from './nats-link.ts';
import { NatsPoolPull, type PoolPull } from './pool-pull.ts';
import { PublishWindow } from './publish-window.ts';
import { readStored } from './stored-messages.ts';
import { poolConsumer } from './streams.ts';
import { isJetStreamError, JETSTREAM_ERRORS } from './vendor-errors.ts';

/** One input in the hands of this process, until it is acknowledged or its lease of 8 s ends. */
export interface InputDelivery {
  readonly message: InputMessage;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  /** Done: the input leaves the queue. Call it only after its output is stored. */
  ack(): void;
  /** Give it back: it is delivered again at once. */
  retryNow(): void;
  /** Give it back: it is delivered again after `delayMs`. */
  retryAfter(delayMs: number): void;
  /** Still working on it: the lease starts anew. Resolves when the broker knows; rejects if it cannot be told now. */
  extend(): Promise<void>;
}

/** How much work a pool has. */
export interface Backlog {
  /** Inputs that nobody has. */
  waiting: number;
  /** Inputs that were delivered and are not finished, including those that wait to be delivered again. */
  delivered: number;
}

/** The durable queue of inputs, by pool. */
export interface InputQueue {
  /** Makes a pool's consumer. Remembered, so it costs a request only once per process. */
  ensurePool(pool: string): Promise<void>;
  /** Resolves when the input is on disk. */
  submit(pool: string, message: InputMessage): Promise<StoreResult>;
  /** Starts to pull; `onDelivery` gets what `ask` asked for. Rarely more arrives: give it back then. */
  openPull(pool: string, onDelivery: (delivery: InputDelivery) => void): PoolPull;
  backlog(pool: string): Promise<Backlog>;
  /** The backlog of every pool that has one. */
  backlogs(): Promise<{ pool: string; backlog: Backlog }[]>;
  /**
   * Removes the acknowledged inputs at the head of a pool from the disk, when all that was delivered is acknowledged, or
   * they are many. Call it now and then while inputs are acknowledged: nothing else removes them.
   *
   * @returns how many inputs were delivered and are not acknowledged yet.
   */
  trim(pool: string): Promise<number>;
  /** Inputs of a call that are stored: those that are not finished, and those not trimmed yet. */
  openInputs(callId: string): Promise<number>;
  /** The stored inputs of a call, delivered or not. */
  readCall(callId: string): AsyncIterable<InputMessage>;
  /** The stored inputs of a pool, delivered or not. */
  readPool(pool: string): AsyncIterable<InputMessage>;
  /** Every stored input, delivered or not; those that are stored while this reads, too. */
  readAll(): AsyncIterable<InputMessage>;
  /** Drops a pool's consumer and all its inputs. */
  removePool(pool: string): Promise<void>;
  /** Drops all inputs of a pool. */
  purgePool(pool: string): Promise<void>;
  /** Drops all inputs of a call. */
  purgeCall(callId: string): Promise<void>;
}

const ACK = new TextEncoder().encode('+ACK');
const NAK = new TextEncoder().encode('-NAK');
const IN_PROGRESS = new TextEncoder().encode('+WPI');
const TERMINATE = new TextEncoder().encode('+TERM');
/**
 * Inputs that are on their way to the disk at once. nats-server stores all that it was sent before it acknowledges or
 * delivers anything of the same stream: with every write synced, a burst would hold up each input for the whole of it.
 */
const MOST_UNDER_WAY = 128;
/**
 * A purge makes nats-server forget which inputs were given back: they are delivered again when their lease ends, and not
 * at once. So a pool is trimmed while nothing of it is delivered, or given back; one that is never idle, by so many.
 */
const TRIMS_ANYWAY_FROM = 500;
const NANOS_PER_MS = 1_000_000;

/** {@link InputQueue} over JetStream. */
export class NatsInputQueue implements InputQueue {
  readonly #link: NatsLink;
  readonly #publisher: DurablePublisher;
  readonly #window = new PublishWindow(MOST_UNDER_WAY);
  readonly #ensured = new Map<string, Promise<void>>();
  /** Up to which sequences of the stream and of its consumer a pool is trimmed. */
  readonly #trimmed = new Map<string, { floor: number; delivered: number }>();

  constructor(link: NatsLink, publisher: DurablePublisher) {
    this.#link = link;
    this.#publisher = publisher;
  }

  ensurePool(pool: string): Promise<void> {
    let ensured = this.#ensured.get(pool);
    if (!ensured) {
      ensured = this.#createConsumer(pool);
      this.#ensured.set(pool, ensured);
      ensured.catch(() => this.#ensured.delete(pool));
    }
    return ensured;
  }

  submit(pool: string, message: InputMessage): Promise<StoreResult> {
    const messageId = message.attempt === 0 ? message.inputId : `${message.inputId}:${message.attempt}`;
    return this.#window.run(() =>
      this.#publisher.publish(subjects.input(pool, message.callId), encodeFrame(message), { messageId }),
    );
  }

  openPull(pool: string, onDelivery: (delivery: InputDelivery) => void): PoolPull {
    return new NatsPoolPull({
      link: this.#link,
      pool,
      onMessage: (message) => {
        const input = this.#decode(message);
        if (input) onDelivery(new NatsInputDelivery(this.#link, input, message.reply ?? ''));
      },
      giveBack: (message) => this.#link.connection.publish(message.reply ?? '', NAK),
      recreate: () => {
        this.#ensured.delete(pool);
        return this.ensurePool(pool);
      },
    });
  }

  async backlog(pool: string): Promise<Backlog> {
    try {
      const info = await this.#link.manager.consumers.info(STREAMS.inputs, pool);
      return { waiting: info.num_pending, delivered: info.num_ack_pending };
    } catch (error) {
      if (isJetStreamError(error, JETSTREAM_ERRORS.consumerNotFound)) return { waiting: 0, delivered: 0 };
      return await this.#link.ask(`backlog of pool "${pool}"`, () => Promise.reject(error));
    }
  }

  async backlogs(): Promise<{ pool: string; backlog: Backlog }[]> {
    return await this.#link.ask('backlogs', async () => {
      const found: { pool: string; backlog: Backlog }[] = [];
      for await (const info of this.#link.manager.consumers.list(STREAMS.inputs)) {
        const backlog = { waiting: info.num_pending, delivered: info.num_ack_pending };
        if (backlog.waiting + backlog.delivered > 0) found.push({ pool: info.name, backlog });
      }
      return found;
    });
  }

  async trim(pool: string): Promise<number> {
    return await this.#link.ask(`trimming pool "${pool}"`, async () => {
      const info = await this.#link.manager.consumers.info(STREAMS.inputs, pool);
      const { stream_seq: floor, consumer_seq: delivered } = info.ack_floor;
      const trimmed = this.#trimmed.get(pool) ?? { floor: 0, delivered: 0 };
      const isDue = info.num_ack_pending === 0 || delivered - trimmed.delivered >= TRIMS_ANYWAY_FROM;
      if (isDue && floor > trimmed.floor) {
        await this.#link.manager.streams.purge(STREAMS.inputs, {
          filter: subjects.poolInputs(pool),
          seq: floor + 1,
        });
        this.#trimmed.set(pool, { floor, delivered });
      }
      return info.num_ack_pending;
    });
  }

  async openInputs(callId: string): Promise<number> {
    return await this.#link.askUntilAnswered(`inputs of call "${callId}"`, async () => {
      const filter = { subjects_filter: subjects.callInputs(callId) };
      const { state } = await this.#link.manager.streams.info(STREAMS.inputs, filter);
      return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    });
  }

  readCall(callId: string): AsyncIterable<InputMessage> {
    return this.#read(subjects.callInputs(callId));
  }

  readPool(pool: string): AsyncIterable<InputMessage> {
    return this.#read(subjects.poolInputs(pool));
  }

  readAll(): AsyncIterable<InputMessage> {
    return this.#read(subjects.allInputs);
  }

  async removePool(pool: string): Promise<void> {
    this.#ensured.delete(pool);
    this.#trimmed.delete(pool);
    await this.#link.askUntilAnswered(`pool "${pool}"`, async () => {
      try {
        await this.#link.manager.consumers.delete(STREAMS.inputs, pool);
      } catch (error) {
        if (!isJetStreamError(error, JETSTREAM_ERRORS.consumerNotFound)) throw error;
      }
    });
    await this.purgePool(pool);
  }

  async purgePool(pool: string): Promise<void> {
    await this.#purge(subjects.poolInputs(pool));
  }

  async purgeCall(callId: string): Promise<void> {
    await this.#purge(subjects.callInputs(callId));
  }

  async #createConsumer(pool: string): Promise<void> {
    await this.#link.askUntilAnswered(`pool "${pool}"`, async () => {
      try {
        await this.#link.manager.consumers.add(STREAMS.inputs, poolConsumer(pool));
      } catch (error) {
        // Made by an older version with other settings: it serves as it is.
        if (!isJetStreamError(error, JETSTREAM_ERRORS.consumerExists)) throw error;
      }
    });
  }

  // A message that no version of this program wrote would be delivered for ever.
  #decode(message: Msg): InputMessage | undefined {
    try {
      return decodeFrame<InputMessage>(message.data);
    } catch (error) {
      this.#link.report(error, `input on "${message.subject}"`);
      this.#link.connection.publish(message.reply ?? '', TERMINATE);
      return undefined;
    }
  }

  async *#read(filter: string): AsyncGenerator<InputMessage> {
    for await (const { data } of readStored(this.#link, STREAMS.inputs, filter)) {
      yield decodeFrame<InputMessage>(data);
    }
  }

  async #purge(filter: string): Promise<void> {
    await this.#link.askUntilAnswered(`purging "${filter}"`, () =>
      this.#link.manager.streams.purge(STREAMS.inputs, { filter }),
    );
  }
}

class NatsInputDelivery implements InputDelivery {
  readonly message: InputMessage;
  readonly #link: NatsLink;
  readonly #reply: string;

  constructor(link: NatsLink, message: InputMessage, reply: string) {
    this.#link = link;
    this.message = message;
    this.#reply = reply;
  }

  get deliveries(): number {
    return parseAckSubject(this.#reply)?.deliveries ?? 1;
  }

  ack(): void {
    this.#link.connection.publish(this.#reply, ACK);
  }

  retryNow(): void {
    this.#link.connection.publish(this.#reply, NAK);
  }

  retryAfter(delayMs: number): void {
    const delay = Math.max(1, Math.round(delayMs * NANOS_PER_MS));
    this.#link.connection.publish(this.#reply, `-NAK {"delay":${delay}}`);
  }

  extend(): Promise<void> {
    this.#link.connection.publish(this.#reply, IN_PROGRESS);
    return this.#link.delivered();
  }
}

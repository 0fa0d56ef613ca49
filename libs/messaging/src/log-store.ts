import { decodeFrame, encodeFrame, type LogBatch, type LogEntry, STREAMS, subjects } from '@gantry/protocol';

import { AsyncQueue } from './async-queue.ts';
import type { DurablePublisher } from './durable-publisher.ts';
import type { NatsLink } from './nats-link.ts';
import { StreamFollow, type StreamFollowOptions } from './stream-follow.ts';

export interface LogReadOptions {
  /** Entries from this instant on (milliseconds since the epoch). @defaultValue the oldest kept */
  sinceMs?: number | undefined;
  /** Entries from this position on, in place of `sinceMs`: for who was interrupted. */
  from?: number | undefined;
  /** Go on with new entries as they are written. */
  follow?: boolean | undefined;
  /** Ends the iteration. */
  signal?: AbortSignal | undefined;
}

/** What containers print, kept for 7 days. */
export interface LogStore {
  append(appId: string, containerId: string, batch: LogBatch): Promise<void>;
  read(appId: string, options?: LogReadOptions): AsyncIterable<LogEntry>;
  readContainer(containerId: string, options?: LogReadOptions): AsyncIterable<LogEntry>;
}

/** {@link LogStore} over JetStream. */
export class NatsLogStore implements LogStore {
  readonly #link: NatsLink;
  readonly #publisher: DurablePublisher;

  constructor(link: NatsLink, publisher: DurablePublisher) {
    this.#link = link;
    this.#publisher = publisher;
  }

  async append(appId: string, containerId: string, batch: LogBatch): Promise<void> {
    await this.#publisher.publish(subjects.log(appId, containerId), encodeFrame(batch));
  }

  read(appId: string, options: LogReadOptions = {}): AsyncGenerator<LogEntry> {
    return this.#read(subjects.appLogs(appId), options);
  }

  readContainer(containerId: string, options: LogReadOptions = {}): AsyncGenerator<LogEntry> {
    return this.#read(subjects.containerLogs(containerId), options);
  }

  async *#read(filter: string, options: LogReadOptions): AsyncGenerator<LogEntry> {
    const { from, follow = false, signal } = options;
    const sinceMs = from === undefined ? options.sinceMs : undefined;
    const entries = new AsyncQueue<LogEntry>();
    const reader = await StreamFollow.open(this.#link, {
      stream: STREAMS.logs,
      filter,
      start: startOf(from, sinceMs),
      onMessage: (message, position) => {
        for (const entry of decodeFrame<LogBatch>(message.data).entries) {
          if (sinceMs === undefined || entry.atMs >= sinceMs) entries.push({ ...entry, position });
        }
      },
    });
    const end = () => entries.end();
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    if (!follow) void reader.caughtUp.then(end);
    try {
      yield* entries;
    } finally {
      signal?.removeEventListener('abort', end);
      reader.stop();
    }
  }
}

function startOf(from: number | undefined, sinceMs: number | undefined): StreamFollowOptions['start'] {
  if (from !== undefined) return { type: 'from', sequence: from };
  return sinceMs === undefined ? { type: 'all' } : { type: 'since', timeMs: sinceMs };
}

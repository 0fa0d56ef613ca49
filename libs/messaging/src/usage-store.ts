import { decodeFrame, encodeFrame, type HourUsage, STREAMS, subjects } from '@gantry/protocol';

import type { DurablePublisher } from './durable-publisher.ts';
import type { NatsLink } from './nats-link.ts';
import { StreamFollow } from './stream-follow.ts';

/** What containers took up, by hour and process of a worker, kept for 400 days. */
export interface UsageStore {
  /** Resolves when it is on disk, in the place of what the same process said of the same hour before. */
  keep(usage: HourUsage): Promise<void>;
  /** All hours that began in a time; `toMs` is not included. */
  read(time: { fromMs: number; toMs: number }): Promise<HourUsage[]>;
}

/** {@link UsageStore} over JetStream, with a subject for each hour of each process. */
export class NatsUsageStore implements UsageStore {
  readonly #link: NatsLink;
  readonly #publisher: DurablePublisher;

  constructor(link: NatsLink, publisher: DurablePublisher) {
    this.#link = link;
    this.#publisher = publisher;
  }

  async keep(usage: HourUsage): Promise<void> {
    await this.#publisher.publish(subjects.usage(usage.hourMs, usage.source), encodeFrame(usage));
  }

  async read({ fromMs, toMs }: { fromMs: number; toMs: number }): Promise<HourUsage[]> {
    // The last message of a subject replaces the others; while one is read, both may come.
    const found = new Map<string, HourUsage>();
    const reader = await StreamFollow.open(this.#link, {
      stream: STREAMS.usage,
      filter: subjects.allUsage,
      // None is written before its hour begins.
      start: { type: 'since', timeMs: fromMs },
      onMessage: ({ subject, data }) => void found.set(subject, decodeFrame<HourUsage>(data)),
    });
    await reader.caughtUp;
    reader.stop();
    return [...found.values()].filter(({ hourMs }) => hourMs >= fromMs && hourMs < toMs);
  }
}

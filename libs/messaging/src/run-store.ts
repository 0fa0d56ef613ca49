import { decodeFrame, encodeFrame, type RunRecord, STREAMS, subjects } from '@gantry/protocol';

import type { DurablePublisher, StoreResult } from './durable-publisher.ts';
import type { NatsLink } from './nats-link.ts';
import { StreamFollow } from './stream-follow.ts';

/** What schedules did: one record per tick and function, kept for 7 days. */
export interface RunStore {
  /** Resolves when the record is on disk. 'duplicate': this tick is on record already, and stays as it is. */
  record(run: RunRecord): Promise<StoreResult>;
  /** The last tick on record, fired or not; runs by hand do not count. */
  lastTick(functionId: string): Promise<RunRecord | undefined>;
  /** The record of one tick. */
  find(functionId: string, tickMs: number): Promise<RunRecord | undefined>;
  /** The newest `limit` records of a function, newest first. */
  newest(functionId: string, limit: number): Promise<RunRecord[]>;
}

const HOUR_MS = 3_600_000;
/** How far back to look for enough records: reading a week of a fast schedule would take long. */
const WINDOWS_MS = [HOUR_MS / 12, 2 * HOUR_MS, 48 * HOUR_MS];

/** {@link RunStore} over JetStream: the subject of a tick takes one message, so two servers cannot both record it. */
export class NatsRunStore implements RunStore {
  readonly #link: NatsLink;
  readonly #publisher: DurablePublisher;

  constructor(link: NatsLink, publisher: DurablePublisher) {
    this.#link = link;
    this.#publisher = publisher;
  }

  record(run: RunRecord): Promise<StoreResult> {
    const { functionId, kind, tickMs } = run;
    const subject = subjects.run(functionId, kind === 'manual' ? 'manual' : 'tick', tickMs);
    return this.#publisher.publish(subject, encodeFrame(run), {
      messageId: subject,
      expectEmptySubject: true,
    });
  }

  async lastTick(functionId: string): Promise<RunRecord | undefined> {
    return await this.#last(subjects.functionTicks(functionId));
  }

  async find(functionId: string, tickMs: number): Promise<RunRecord | undefined> {
    return await this.#last(subjects.run(functionId, 'tick', tickMs));
  }

  async newest(functionId: string, limit: number): Promise<RunRecord[]> {
    for (const windowMs of [...WINDOWS_MS, undefined]) {
      const found = await this.#read(functionId, windowMs);
      if (found.length < limit && windowMs !== undefined) continue;
      return found.sort((a, b) => b.tickMs - a.tickMs).slice(0, limit);
    }
    return [];
  }

  async #last(filter: string): Promise<RunRecord | undefined> {
    const message = await this.#link.ask(`last run at "${filter}"`, () =>
      this.#link.manager.direct.getMessage(STREAMS.runs, { last_by_subj: filter }),
    );
    return message ? decodeFrame<RunRecord>(message.data) : undefined;
  }

  async #read(functionId: string, windowMs: number | undefined): Promise<RunRecord[]> {
    const found: RunRecord[] = [];
    const reader = await StreamFollow.open(this.#link, {
      stream: STREAMS.runs,
      filter: subjects.functionRuns(functionId),
      start: windowMs === undefined ? { type: 'all' } : { type: 'since', timeMs: Date.now() - windowMs },
      onMessage: (message) => void found.push(decodeFrame<RunRecord>(message.data)),
    });
    await reader.caughtUp;
    reader.stop();
    return found;
  }
}

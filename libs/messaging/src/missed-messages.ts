import { setTimeout as delay } from 'node:timers/promises';

import type { Msg } from '@nats-io/transport-node';

import type { NatsLink } from './nats-link.ts';
import { StreamFollow } from './stream-follow.ts';

export interface MissedMessagesOptions {
  stream: string;
  /** The subject of the plain subscription. */
  filter: string;
  onMessage: (message: Msg) => void;
}

/** A connection can be dead for this long before it counts as lost; clocks differ by less. */
const MARGIN_MS = 30_000;
const RETRY_MS = 500;
/** What was published just before the subscription was back may take this long to be stored. */
const STORING_MS = 5_000;

/**
 * Makes up for what a plain subscription misses: others may be connected again and publish before it is. After each
 * reconnect it reads from the stream what was stored meanwhile, and a little more, so messages may repeat.
 */
export class MissedMessages {
  readonly #link: NatsLink;
  readonly #options: MissedMessagesOptions;
  readonly #reconnects: { stop(): void };
  #reading: StreamFollow | undefined;
  /** From when on messages are missing; undefined while none is. */
  #sinceMs: number | undefined;
  #recovering = false;
  #stopped = false;

  constructor(link: NatsLink, options: MissedMessagesOptions) {
    this.#link = link;
    this.#options = options;
    this.#reconnects = link.onReconnect((lostAtMs) => {
      this.#sinceMs ??= lostAtMs - MARGIN_MS;
      void this.#recover();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#reconnects.stop();
    this.#reading?.stop();
  }

  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    while (this.#sinceMs !== undefined && !this.#stopped) {
      const sinceMs = this.#sinceMs;
      this.#sinceMs = undefined;
      if (await this.#read(sinceMs)) continue;
      // Another loss may have come in between, but not an earlier one.
      this.#sinceMs = sinceMs;
      await delay(RETRY_MS, undefined, { ref: false });
    }
    this.#recovering = false;
  }

  async #read(sinceMs: number): Promise<boolean> {
    try {
      const start = { type: 'since', timeMs: sinceMs } as const;
      this.#reading = await StreamFollow.open(this.#link, { ...this.#options, start });
      if (!this.#stopped) await this.#reading.caughtUp;
      if (!this.#stopped) await delay(STORING_MS, undefined, { ref: false });
      this.#reading.stop();
      return true;
    } catch (error) {
      // JetStream may still be starting.
      this.#link.report(error, `reading "${this.#options.filter}" after a reconnect`);
      return false;
    }
  }
}

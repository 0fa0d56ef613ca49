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

/**
 * Makes up for what a plain subscription misses: others may be connected again and publish before it is. After each
 * reconnect it reads from the stream what was stored meanwhile, and a little more, so messages may repeat.
 */
export class MissedMessages {
  readonly #link: NatsLink;
  readonly #options: MissedMessagesOptions;
  readonly #reconnects: { stop(): void };
  #reading: StreamFollow | undefined;
  #recovering = false;
  #stopped = false;

  constructor(link: NatsLink, options: MissedMessagesOptions) {
    this.#link = link;
    this.#options = options;
    this.#reconnects = link.onReconnect((lostAtMs) => void this.#recover(lostAtMs - MARGIN_MS));
  }

  stop(): void {
    this.#stopped = true;
    this.#reconnects.stop();
    this.#reading?.stop();
  }

  async #recover(sinceMs: number): Promise<void> {
    // A reader that is not through yet goes on after another loss by itself.
    if (this.#recovering) return;
    this.#recovering = true;
    while (!this.#stopped && !(await this.#read(sinceMs))) await delay(RETRY_MS, undefined, { ref: false });
    this.#recovering = false;
  }

  async #read(sinceMs: number): Promise<boolean> {
    try {
      const start = { type: 'since', timeMs: sinceMs } as const;
      this.#reading = await StreamFollow.open(this.#link, { ...this.#options, start });
      if (!this.#stopped) await this.#reading.caughtUp;
      this.#reading.stop();
      return true;
    } catch (error) {
      // JetStream may still be starting.
      this.#link.report(error, `reading "${this.#options.filter}" after a reconnect`);
      return false;
    }
  }
}

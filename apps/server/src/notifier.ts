import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from '@gantry/telemetry';

/** What somebody may want to know at once. */
export type NoticeEvent =
  'run.failed' | 'run.missed' | 'run.skipped' | 'function.crashes' | 'function.unplaceable';

/** What is sent, as JSON. Chats that take webhooks show `text`. */
export interface Notice {
  text: string;
  event: NoticeEvent;
  workspace: string;
  environment: string;
  /** Name of the app; its id if it has none. */
  app: string;
  function: string;
  atMs: number;
}

export interface NotifierOptions {
  /** Where notices are sent to. */
  url: string;
  log: Logger;
  /** Waits before a notice is sent again. */
  pause?: (ms: number) => Promise<unknown>;
}

const AGAIN_AFTER_MS = [1_000, 10_000, 60_000];
const LIMIT_MS = 10_000;
const MOST_WAITING = 100;

/** Sends notices to a webhook, a few times if need be. They wait in memory: what is not sent when a server ends is not sent. */
export class Notifier {
  readonly #options: NotifierOptions;
  #waiting = 0;

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** Resolves when it is sent, or given up; never rejects. */
  async send(notice: Notice): Promise<void> {
    const { log } = this.#options;
    const { event, app } = notice;
    if (this.#waiting >= MOST_WAITING) return log.warn({ event, app }, 'a notice is dropped: too many wait');
    this.#waiting++;
    try {
      await this.#sendOften(notice);
    } catch (error) {
      // Not the error itself: the address of a webhook is a secret.
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ event, app, host: new URL(this.#options.url).host, reason }, 'a notice could not be sent');
    } finally {
      this.#waiting--;
    }
  }

  async #sendOften(notice: Notice): Promise<void> {
    const { pause = (ms: number) => delay(ms, undefined, { ref: false }) } = this.#options;
    for (const waitMs of AGAIN_AFTER_MS) {
      try {
        return await this.#post(notice);
      } catch {
        await pause(waitMs);
      }
    }
    await this.#post(notice);
  }

  async #post(notice: Notice): Promise<void> {
    const reply = await fetch(this.#options.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(notice),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    await reply.body?.cancel();
    if (!reply.ok) throw new Error(`the answer was ${reply.status}`);
  }
}

import { setTimeout as delay } from 'node:timers/promises';

import type { Messaging } from '@gantry/messaging';
import { type GangLetter, type GangMessage, type GangPlace, subjects } from '@gantry/protocol';

const TRY_AGAIN_MS = 200;
/** Letters to one that does not answer are tried so long; while containers start, for ever: some start late. */
const UNREACHABLE_MS = 20_000;
/** After it has ended, what it said last is tried so long. */
const LAST_WORDS_MS = 5_000;
const REPLY_WITHIN_MS = 3_000;

export interface GangLinkOptions {
  place: GangPlace;
  messaging: Pick<Messaging, 'request' | 'respond'>;
  onMessage(from: number, message: GangMessage): void;
  /** One that has started does not answer any more. */
  onUnreachable(rank: number): void;
}

/**
 * What one container of a gang and the others say to each other.
 *
 * Invariants
 *   L1. What is said to one arrives there once, in the order in which it was said, or `onUnreachable` is called.
 */
export class GangLink {
  readonly #options: GangLinkOptions;
  readonly #lines: Line[];
  /** The last letter that was heard of each. */
  readonly #heard: number[];
  readonly #responder: { stop(): void };
  #giveUpAtMs: number | undefined;

  constructor(options: GangLinkOptions) {
    this.#options = options;
    const { containerIds, rank } = options.place;
    this.#heard = containerIds.map(() => 0);
    this.#lines = containerIds.map((_, to) => ({ to, number: 0, last: Promise.resolve() }));
    this.#responder = options.messaging.respond<GangLetter, true>(
      subjects.gang(containerIds[rank] ?? ''),
      (letter) => Promise.resolve(this.#hear(letter)),
    );
  }

  /** Everybody has started. */
  isUp = false;

  tell(rank: number, message: GangMessage): void {
    const line = this.#lines[rank];
    if (!line || rank === this.#options.place.rank) return;
    const letter: GangLetter = { from: this.#options.place.rank, number: ++line.number, message };
    line.last = line.last.then(() => this.#deliver(rank, letter));
  }

  tellAll(message: GangMessage): void {
    for (const { to } of this.#lines) this.tell(to, message);
  }

  /** Nothing is heard any more; what was said is still tried for a while. */
  close(): void {
    this.#giveUpAtMs ??= performance.now() + LAST_WORDS_MS;
    this.#responder.stop();
  }

  #hear({ from, number, message }: GangLetter): true {
    const heard = this.#heard[from];
    if (heard === undefined || number <= heard) return true;
    this.#heard[from] = number;
    this.#options.onMessage(from, message);
    return true;
  }

  async #deliver(rank: number, letter: GangLetter): Promise<void> {
    const { place, messaging, onUnreachable } = this.#options;
    const subject = subjects.gang(place.containerIds[rank] ?? '');
    let sinceMs: number | undefined;
    for (;;) {
      try {
        await messaging.request(subject, letter, { timeoutMs: REPLY_WITHIN_MS });
        return;
      } catch {
        const nowMs = performance.now();
        if (this.#giveUpAtMs !== undefined && nowMs >= this.#giveUpAtMs) return;
        if (this.isUp) sinceMs ??= nowMs;
        if (sinceMs !== undefined && nowMs - sinceMs >= UNREACHABLE_MS) return onUnreachable(rank);
        await delay(TRY_AGAIN_MS, undefined, { ref: false });
      }
    }
  }
}

/** To one other container. */
interface Line {
  to: number;
  number: number;
  last: Promise<void>;
}

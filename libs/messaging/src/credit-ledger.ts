const BUCKET_MS = 1_000;
const SLACK_MS = 3_000;

/**
 * Counts the inputs that one pull has asked for, without remembering single requests.
 *
 * JetStream does not say which request a delivery answers, and a lost request is never answered. But no more
 * credits can be open than were asked for within the life of a request, so requests are summed per second of
 * their expiry, and what exceeds the sum of the living ones is lost.
 */
export class CreditLedger {
  readonly #lifetimeMs: number;
  readonly #asked: { untilMs: number; credits: number }[] = [];
  #outstanding = 0;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  asked(credits: number, nowMs: number): void {
    this.#outstanding += credits;
    const untilMs = nowMs + this.#lifetimeMs;
    const last = this.#asked.at(-1);
    if (last && untilMs - last.untilMs < BUCKET_MS) last.credits += credits;
    else this.#asked.push({ untilMs, credits });
  }

  delivered(): void {
    if (this.#outstanding > 0) this.#outstanding--;
  }

  /** The server gave up this many credits; returns how many of them were open. */
  returned(credits: number): number {
    const open = Math.min(credits, this.#outstanding);
    this.#outstanding -= open;
    return open;
  }

  /** Forgets requests that ended long ago; returns how many credits were lost with them. */
  expire(nowMs: number): number {
    let first = this.#asked[0];
    while (first && first.untilMs + BUCKET_MS + SLACK_MS < nowMs) {
      this.#asked.shift();
      first = this.#asked[0];
    }
    const living = this.#asked.reduce((sum, { credits }) => sum + credits, 0);
    return this.returned(Math.max(0, this.#outstanding - living));
  }

  /** Voids everything; returns how many credits were open. */
  clear(): number {
    const open = this.#outstanding;
    this.#outstanding = 0;
    this.#asked.length = 0;
    return open;
  }
}

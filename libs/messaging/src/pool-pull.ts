import type { Msg } from '@nats-io/transport-node';
import { STREAMS } from '@gantry/protocol';

import { CreditLedger } from './credit-ledger.ts';
import type { NatsLink } from './nats-link.ts';

/** Open requests for inputs of one pool. */
export interface PoolPull {
  /** Asks for this many more inputs. Calls of one turn of the event loop travel as one request. */
  ask(count: number): void;
  /** Inputs asked for and not delivered. They stay asked for over expiry, reconnects and restarts. */
  readonly outstanding: number;
  /** Withdraws everything; what arrives in the same moment is given back. */
  close(): void;
}

export interface PoolPullOptions {
  link: NatsLink;
  pool: string;
  onMessage: (message: Msg) => void;
  /** Gives a delivery back that arrived after `close`. */
  giveBack: (message: Msg) => void;
  /** Makes the pool's consumer again after it was found missing. */
  recreate: () => Promise<void>;
}

const PULL_EXPIRES_MS = 60_000;
const EXPIRY_CHECK_MS = 5_000;
const RETRY_MS = 250;
const RECREATE_AFTER_MS = 2_000;

/**
 * The pull protocol of JetStream by hand: the client library's `consume` keeps a buffer of its own, while a
 * worker must never hold an input that it has no free slot for.
 *
 * Invariants
 *   P1. `outstanding` credits are open at the server, except for the moments between an expiry, an error or a
 *       reconnect and the request that opens them again.
 *   P2. After a reconnect the inbox is a new one: requests made before are void, so credits never double.
 *   P3. A delivery is handed on even when the ledger says none is due: the receiver may give it back.
 */
export class NatsPoolPull implements PoolPull {
  readonly #options: PoolPullOptions;
  readonly #ledger = new CreditLedger(PULL_EXPIRES_MS);
  readonly #requestSubject: string;
  readonly #reconnects: { stop(): void };
  readonly #expiryCheck: NodeJS.Timeout;
  #inbox = '';
  #subscription: { stop(): void } | undefined;
  #toAsk = 0;
  #flushDue = false;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PoolPullOptions) {
    this.#options = options;
    this.#requestSubject = `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.inputs}.${options.pool}`;
    this.#openInbox();
    this.#reconnects = options.link.onReconnect(() => this.#afterReconnect());
    this.#expiryCheck = setInterval(() => this.#reopen(this.#ledger.expire(Date.now())), EXPIRY_CHECK_MS);
  }

  get outstanding(): number {
    return this.#ledger.outstanding + this.#toAsk;
  }

  ask(count: number): void {
    if (this.#closed || count <= 0) return;
    this.#toAsk += count;
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => this.#flush());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#toAsk = 0;
    this.#ledger.clear();
    clearInterval(this.#expiryCheck);
    clearTimeout(this.#retry);
    this.#reconnects.stop();
    this.#subscription?.stop();
  }

  #openInbox(): void {
    this.#inbox = this.#options.link.newInbox();
    const { connection } = this.#options.link;
    const subscription = connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error) return this.#options.link.report(error, `pull of pool "${this.#options.pool}"`);
        this.#onMessage(message);
      },
    });
    // Draining, not unsubscribing: deliveries already on their way still arrive and can be given back.
    this.#subscription = { stop: () => void subscription.drain().catch(() => undefined) };
  }

  #onMessage(message: Msg): void {
    try {
      // A status has headers and no reply subject; looking at the headers of every delivery would be slow.
      if (!message.reply) this.#onStatus(message);
      else if (this.#closed) this.#options.giveBack(message);
      else {
        this.#ledger.delivered();
        this.#options.onMessage(message);
      }
    } catch (error) {
      this.#options.link.report(error, `input of pool "${this.#options.pool}"`);
    }
  }

  #onStatus(message: Msg): void {
    const { code = 0, description = '' } = message.headers ?? {};
    if (this.#closed || code === 100) return;
    const pending = Number(message.headers?.get('Nats-Pending-Messages') || Number.NaN);
    if (code === 408 && pending >= 0) {
      this.#reopen(this.#ledger.returned(pending));
      return;
    }
    // Everything else voids an unknown number of credits: start anew, on a new inbox, a little later.
    const missing = code === 503 || /consumer deleted|stream deleted/i.test(description);
    this.#restartLater(missing);
  }

  #restartLater(missing: boolean): void {
    this.#retry ??= setTimeout(
      () => {
        this.#retry = undefined;
        const ready = missing ? this.#options.recreate() : Promise.resolve();
        ready.then(
          () => this.#restart(),
          (error: unknown) => {
            this.#options.link.report(error, `consumer of pool "${this.#options.pool}"`);
            if (!this.#closed) this.#restartLater(missing);
          },
        );
      },
      missing ? RECREATE_AFTER_MS : RETRY_MS,
    );
  }

  #afterReconnect(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#restart();
  }

  #restart(): void {
    if (this.#closed) return;
    const credits = this.#ledger.clear();
    this.#subscription?.stop();
    this.#openInbox();
    this.#reopen(credits);
  }

  #reopen(credits: number): void {
    if (credits > 0) this.ask(credits);
  }

  #flush(): void {
    this.#flushDue = false;
    if (this.#closed || this.#toAsk === 0) return;
    const batch = this.#toAsk;
    this.#toAsk = 0;
    this.#ledger.asked(batch, Date.now());
    this.#options.link.connection.publish(
      this.#requestSubject,
      `{"batch":${batch},"expires":${PULL_EXPIRES_MS}000000}`,
      { reply: this.#inbox },
    );
  }
}

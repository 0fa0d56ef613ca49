import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { ConnectionError, InternalFailure } from '@gantry/protocol';

import type { NatsLink } from './nats-link.ts';
import { fromJetStream, JETSTREAM_ERRORS, translateError } from './vendor-errors.ts';

/** Whether JetStream stored the message, or has had it already. */
export type StoreResult = 'stored' | 'duplicate';

export interface DurableOptions {
  /** JetStream drops a message whose id it saw in the last two minutes, which makes sending again harmless. */
  messageId?: string | undefined;
  /** Store only if the subject holds no message yet. */
  expectEmptySubject?: boolean | undefined;
}

interface PendingPublish {
  subject: string;
  body: Uint8Array;
  headers: MsgHdrs | undefined;
  firstSentAtMs: number;
  sentAtMs: number;
  resolve: (result: StoreResult) => void;
  reject: (error: Error) => void;
}

const RESEND_AFTER_MS = 5_000;
const SWEEP_MS = 1_000;
const BUSY_RETRY_MS = 100;
/** With a connection but without JetStream, a publish is given up after this long. */
const GIVE_UP_AFTER_MS = 30_000;

const LETTER_S = 's'.charCodeAt(0);
const LETTER_E = 'e'.charCodeAt(0);

/**
 * Publishes to streams and waits for the acknowledgement that the message is on disk.
 *
 * One wildcard subscription takes all acknowledgements, so a publish costs no subscription and no timer, and
 * any number of them are under way at once. What is unacknowledged is sent again after a reconnect, and after
 * 5 s of silence.
 */
export class DurablePublisher {
  readonly #link: NatsLink;
  readonly #prefix: string;
  readonly #pending = new Map<string, PendingPublish>();
  #counter = 0;
  #sweep: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(link: NatsLink) {
    this.#link = link;
    this.#prefix = `${link.newInbox()}.`;
    link.listen(`${this.#prefix}*`, (message) => this.#onAcknowledgement(message));
    link.onReconnect(() => this.#resendAll());
  }

  publish(subject: string, body: Uint8Array, options?: DurableOptions): Promise<StoreResult> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError(subject));
      const token = (++this.#counter).toString(36);
      const now = Date.now();
      const entry: PendingPublish = {
        subject,
        body,
        headers: publishHeaders(options),
        firstSentAtMs: now,
        sentAtMs: now,
        resolve,
        reject,
      };
      this.#pending.set(token, entry);
      this.#send(token, entry);
      this.#sweep ??= setInterval(() => this.#resendSilent(), SWEEP_MS);
    });
  }

  /** Rejects what is still unacknowledged. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweep);
    for (const entry of this.#pending.values()) entry.reject(closedError(entry.subject));
    this.#pending.clear();
  }

  #send(token: string, entry: PendingPublish): void {
    try {
      const reply = this.#prefix + token;
      const options = entry.headers ? { reply, headers: entry.headers } : { reply };
      this.#link.connection.publish(entry.subject, entry.body, options);
    } catch (error) {
      this.#pending.delete(token);
      entry.reject(translateError(error, `publishing to "${entry.subject}"`));
    }
  }

  #onAcknowledgement(message: Msg): void {
    const token = message.subject.slice(this.#prefix.length);
    const entry = this.#pending.get(token);
    if (!entry) return;
    const quick = quickResult(message.data);
    if (quick) {
      this.#pending.delete(token);
      entry.resolve(quick);
      return;
    }
    const refusal = readRefusal(message);
    if (refusal.type === 'busy') {
      this.#retrySoon(token, entry, refusal.description);
      return;
    }
    this.#pending.delete(token);
    if (refusal.type === 'duplicate') entry.resolve('duplicate');
    else
      entry.reject(fromJetStream(refusal.errorCode, refusal.description, `publishing to "${entry.subject}"`));
  }

  // JetStream is starting, electing a leader, or storing the same message at this moment.
  #retrySoon(token: string, entry: PendingPublish, description: string): void {
    if (Date.now() - entry.firstSentAtMs > GIVE_UP_AFTER_MS) {
      this.#pending.delete(token);
      entry.reject(
        new InternalFailure(`publishing to "${entry.subject}": ${description}`, {
          hint: 'Check that nats-server runs with JetStream and has a leader for its streams.',
        }),
      );
      return;
    }
    setTimeout(() => {
      if (!this.#pending.has(token)) return;
      entry.sentAtMs = Date.now();
      this.#send(token, entry);
    }, BUSY_RETRY_MS);
  }

  #resendAll(): void {
    const now = Date.now();
    for (const [token, entry] of [...this.#pending]) {
      entry.sentAtMs = now;
      // Time without a connection does not count against the limit.
      entry.firstSentAtMs = now;
      this.#send(token, entry);
    }
  }

  #resendSilent(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#sweep);
      this.#sweep = undefined;
      return;
    }
    const now = Date.now();
    for (const [token, entry] of [...this.#pending]) {
      if (now - entry.sentAtMs < RESEND_AFTER_MS) continue;
      entry.sentAtMs = now;
      this.#send(token, entry);
    }
  }
}

function publishHeaders(options: DurableOptions | undefined): MsgHdrs | undefined {
  if (!options?.messageId && !options?.expectEmptySubject) return undefined;
  const set = headers();
  if (options.messageId) set.set('Nats-Msg-Id', options.messageId);
  if (options.expectEmptySubject) set.set('Nats-Expected-Last-Subject-Sequence', '0');
  return set;
}

/**
 * Reads `{"stream":"X","seq":1}` and `{"stream":"X","seq":1,"duplicate":true}` by two bytes instead of a JSON
 * parser: this runs for every input and output. Undefined for every other shape.
 */
export function quickResult(data: Uint8Array): StoreResult | undefined {
  if (data.length < 16 || data[2] !== LETTER_S) return undefined;
  return data[data.length - 2] === LETTER_E ? 'duplicate' : 'stored';
}

interface Refusal {
  type: 'busy' | 'duplicate' | 'refused';
  errorCode: number;
  description: string;
}

function readRefusal(message: Msg): Refusal {
  if (message.data.length === 0)
    return { type: 'busy', errorCode: 0, description: 'JetStream does not answer' };
  const reply = message.json<{
    error?: { code?: number; err_code?: number; description?: string };
    duplicate?: boolean;
  }>();
  const { err_code: errorCode = 0, code = 0, description = 'refused' } = reply.error ?? {};
  switch (errorCode) {
    case JETSTREAM_ERRORS.wrongLastSequence:
      return { type: 'duplicate', errorCode, description };
    case JETSTREAM_ERRORS.temporarilyUnavailable:
    case JETSTREAM_ERRORS.duplicateInFlight:
    case JETSTREAM_ERRORS.conflictInFlight:
      return { type: 'busy', errorCode, description };
    default:
      if (errorCode === 0 && code === 503) return { type: 'busy', errorCode, description };
      return { type: 'refused', errorCode, description };
  }
}

function closedError(subject: string): ConnectionError {
  return new ConnectionError(`publishing to "${subject}": the connection to NATS is closed`);
}

import {
  callSessionKey,
  type CreditMessage,
  InvalidError,
  isId,
  type PullMessage,
  subjects,
  type ValuesMessage,
} from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

const WORKER_ID = /^[A-Za-z0-9-]{1,64}$/;

/**
 * The values of generators that a session consumes: they pass through, and how far its consumers are goes back.
 * Nothing is remembered here, so a session that is opened again anywhere goes on where it was.
 */
export class SessionValues {
  readonly #messaging: Messaging;
  readonly #sessionKey: string;
  readonly #send: (message: ValuesMessage) => void;
  #subscription: { stop(): void } | undefined;

  constructor(messaging: Messaging, sessionKey: string, send: (message: ValuesMessage) => void) {
    this.#messaging = messaging;
    this.#sessionKey = sessionKey;
    this.#send = send;
  }

  /** Lets values through from now on: called before the first input of a generator is published. */
  open(): void {
    this.#subscription ??= this.#messaging.subscribe<ValuesMessage>(
      subjects.sessionValues(this.#sessionKey),
      (message) => this.#send(message),
    );
  }

  /** @throws InvalidError if the message is malformed. */
  pull({ callId, taken, source, againFrom }: PullMessage): void {
    if (typeof callId !== 'string' || !isId(callId, 'fc') || callSessionKey(callId) !== this.#sessionKey) {
      throw new InvalidError(`"${String(callId)}" is not a call of this session`);
    }
    if (!isCount(taken) || (againFrom !== undefined && !isCount(againFrom))) {
      throw new InvalidError(`the values of call "${callId}" were asked for with no number`);
    }
    if (source !== undefined && !WORKER_ID.test(source)) {
      throw new InvalidError(`"${String(source)}" is not a worker id`);
    }
    this.open();
    const credit: CreditMessage = { callId, taken, againFrom };
    this.#messaging.publish(source === undefined ? subjects.credits : subjects.credit(source), credit);
  }

  close(): void {
    this.#subscription?.stop();
    this.#subscription = undefined;
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

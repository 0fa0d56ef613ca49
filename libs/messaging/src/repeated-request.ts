import { GantryTimeoutError } from '@gantry/protocol';
import { errors } from '@nats-io/transport-node';

import { isJetStreamError, JETSTREAM_ERRORS } from './vendor-errors.ts';

/** One try of a request. */
export interface Attempt {
  /** 0 for the first try. A later one must expect that an earlier one was carried out and its answer lost. */
  number: number;
  /** True once nobody waits for this try any more: whatever it opened must be closed again. */
  readonly isAbandoned: boolean;
}

export interface RepeatOptions {
  /** Names the request in messages. */
  what: string;
  /** Where to hear of reconnects: what was asked over the old connection will not be answered. */
  link: { onReconnect(listener: () => void): { stop(): void } };
  /** Bound over all tries. @defaultValue 15000 */
  withinMs?: number;
}

const WITHIN_MS = 15_000;
const PAUSE_MS = 100;

type Outcome<T> =
  | { type: 'done'; value: T }
  | { type: 'failed'; error: unknown }
  | { type: 'reconnected' }
  | { type: 'late' };

/**
 * Sends a request until it is answered: again after a reconnect, after a timeout, and while JetStream is
 * starting. Everything else that fails is thrown at once.
 *
 * @throws GantryTimeoutError when no try was answered within the bound.
 */
export async function repeatRequest<T>(
  options: RepeatOptions,
  request: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const clock = new TryClock(options);
  try {
    for (let number = 0; ; number++) {
      const attempt = { number, isAbandoned: false };
      const outcome = await clock.race(request(attempt));
      if (outcome.type === 'done') return outcome.value;
      attempt.isAbandoned = true;
      if (outcome.type === 'late') throw lateError(options);
      if (outcome.type === 'reconnected') continue;
      if (!isPassing(outcome.error)) throw outcome.error;
      if ((await clock.race(pause())).type === 'late') throw lateError(options, outcome.error);
    }
  } finally {
    clock.stop();
  }
}

/** What can end a try from outside: a reconnect, and the end of the time for all of them. */
class TryClock {
  readonly #timer: NodeJS.Timeout;
  readonly #reconnects: { stop(): void };
  #interrupt: (outcome: { type: 'reconnected' } | { type: 'late' }) => void = () => undefined;
  #isLate = false;

  constructor({ link, withinMs = WITHIN_MS }: RepeatOptions) {
    this.#reconnects = link.onReconnect(() => this.#interrupt({ type: 'reconnected' }));
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      this.#interrupt({ type: 'late' });
    }, withinMs);
  }

  race<T>(work: Promise<T>): Promise<Outcome<T>> {
    return new Promise((resolve) => {
      this.#interrupt = resolve;
      if (this.#isLate) resolve({ type: 'late' });
      work.then(
        (value) => resolve({ type: 'done', value }),
        (error: unknown) => resolve({ type: 'failed', error }),
      );
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#reconnects.stop();
  }
}

// Nobody answered, or JetStream is starting or electing a leader.
function isPassing(error: unknown): boolean {
  const root = error instanceof Error && error.cause !== undefined ? error.cause : error;
  for (const candidate of [error, root]) {
    if (candidate instanceof errors.TimeoutError || candidate instanceof errors.NoRespondersError)
      return true;
    if (candidate instanceof errors.RequestError && candidate.isNoResponders()) return true;
    if (candidate instanceof GantryTimeoutError) return true;
  }
  return isJetStreamError(error, JETSTREAM_ERRORS.temporarilyUnavailable, JETSTREAM_ERRORS.conflictInFlight);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

function lateError({ what, withinMs = WITHIN_MS }: RepeatOptions, cause?: unknown): GantryTimeoutError {
  return new GantryTimeoutError(`${what}: no answer within ${withinMs / 1_000} s`, {
    cause,
    hint: 'Check that nats-server runs with JetStream and can be reached.',
  });
}

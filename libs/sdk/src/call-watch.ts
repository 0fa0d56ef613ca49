import { GantryTimeoutError, type Outcome } from '@gantry/protocol';

import { settleOutcome, type Waiter } from './outcome.ts';
import type { PayloadStore } from './payloads.ts';

// How long a poll waits for a server that does not say when it has sent all stored outputs.
const POLL_GRACE_MS = 1_000;
/** 24 days, longer than any call runs and its result is kept. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface WatchOptions {
  /** 0 asks once whether the output is there. @defaultValue wait for ever */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** All who wait for the output of one call. */
export class CallWatch {
  readonly #callId: string;
  readonly #onEmpty: () => void;
  readonly #waiters = new Set<Waiter & { polls: boolean }>();

  /** @param onEmpty - Called when nobody waits any more. */
  constructor(callId: string, onEmpty: () => void) {
    this.#callId = callId;
    this.#onEmpty = onEmpty;
  }

  /** @throws {@link GantryTimeoutError} when the time is over, or the signal's reason when it fires. */
  join(options: WatchOptions): Promise<unknown> {
    const { timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#remove(waiter);
      };
      const onAbort = () => waiter.reject(signal?.reason);
      const waiter = {
        polls: timeoutMs === 0,
        resolve: (value: unknown) => (leave(), resolve(value)),
        reject: (error: unknown) => (leave(), reject(error as Error)),
      };
      this.#waiters.add(waiter);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort);
      if (timeoutMs !== undefined && timeoutMs <= LONGEST_TIMER_MS) {
        timer = setTimeout(
          () => waiter.reject(outputTimeout(this.#callId, timeoutMs)),
          timeoutMs || POLL_GRACE_MS,
        );
      }
    });
  }

  settle(outcome: Outcome, payloads: PayloadStore): void {
    for (const waiter of [...this.#waiters]) settleOutcome(outcome, waiter, payloads);
  }

  fail(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }

  /** All outputs stored so far have been sent: who only polls is answered. */
  polled(): void {
    for (const waiter of [...this.#waiters]) if (waiter.polls) waiter.reject(outputTimeout(this.#callId, 0));
  }

  #remove(waiter: Waiter & { polls: boolean }): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#onEmpty();
  }
}

function outputTimeout(callId: string, timeoutMs: number): GantryTimeoutError {
  const what = timeoutMs === 0 ? 'has not ended yet' : `did not end within ${timeoutMs} ms`;
  return new GantryTimeoutError(`the call "${callId}" ${what}`, {
    hint: 'The call goes on: ask again later.',
    details: { callId },
  });
}

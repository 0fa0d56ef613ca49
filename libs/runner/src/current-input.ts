import { AsyncLocalStorage } from 'node:async_hooks';

import type { CurrentInput } from 'gantry/container';
import { FunctionTimeoutError, InputCancellation, InternalFailure } from '@gantry/protocol';

const storage = new AsyncLocalStorage<ActiveInput>();

/** Why code is told to end before it is done. */
export type AbortReason = 'cancelled' | 'timeout' | 'preempted';

/** An input whose code runs, or waits for a place. */
export class ActiveInput implements CurrentInput {
  readonly inputId: string;
  readonly callId: string;
  readonly startedAtMs = Date.now();
  readonly #signal: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;
  #isPreempted = false;

  /** `signal` is given where the abort comes from outside, as for a web request whose client leaves. */
  constructor(inputId: string, callId: string, signal?: AbortSignal) {
    this.inputId = inputId;
    this.callId = callId;
    this.#signal = signal;
  }

  // Made on demand: few functions look at it, and every input would pay for it.
  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /**
   * Its code was interrupted for the sake of its container, and may have seen that: what it returns may be
   * half the work.
   */
  get isInterrupted(): boolean {
    return this.#isPreempted && (this.#signal ?? this.#controller) !== undefined;
  }

  /** Why it was aborted, if it was. */
  get abortReason(): Error | undefined {
    return this.#abortReason;
  }

  abort(reason: AbortReason): void {
    if (this.#abortReason) return;
    this.#isPreempted = reason === 'preempted';
    this.#abortReason = toError(reason, this.inputId);
    this.#controller?.abort(this.#abortReason);
  }
}

function toError(reason: AbortReason, inputId: string): Error {
  switch (reason) {
    case 'timeout':
      return new FunctionTimeoutError(`input "${inputId}" ran longer than its function's timeoutMs`);
    case 'cancelled':
      return new InputCancellation(`input "${inputId}" was cancelled`);
    case 'preempted':
      return new InternalFailure(
        `the container of input "${inputId}" is preempted: the input runs elsewhere`,
      );
  }
}

/** Runs `work` so that {@link activeInput} finds `input`, also after each `await`. */
export function runAsInput<T>(input: ActiveInput, work: () => T): T {
  return storage.run(input, work);
}

/** The input whose code runs now, by asynchronous context. */
export function activeInput(): ActiveInput | undefined {
  return storage.getStore();
}

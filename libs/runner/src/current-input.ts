import { AsyncLocalStorage } from 'node:async_hooks';

import type { CurrentInput } from 'gantry/internal';
import { FunctionTimeoutError, InputCancellation } from '@gantry/protocol';

const storage = new AsyncLocalStorage<ActiveInput>();

/** An input whose code runs, or waits for a place. */
export class ActiveInput implements CurrentInput {
  readonly inputId: string;
  readonly callId: string;
  readonly startedAtMs = Date.now();
  readonly #signal: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;

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

  /** Why it was aborted, if it was. */
  get abortReason(): Error | undefined {
    return this.#abortReason;
  }

  abort(reason: 'cancelled' | 'timeout'): void {
    if (this.#abortReason) return;
    this.#abortReason =
      reason === 'timeout'
        ? new FunctionTimeoutError(`input "${this.inputId}" ran longer than its function's timeoutMs`)
        : new InputCancellation(`input "${this.inputId}" was cancelled`);
    this.#controller?.abort(this.#abortReason);
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

import {
  decodeValue,
  toWireError,
  type Outcome,
  type RunMessage,
  type RunnerToWorker,
} from '@gantry/protocol';

import { ActiveInput, runAsInput, type AbortReason } from './current-input.ts';
import { GeneratorRun } from './generator-run.ts';
import type { InputSlots } from './input-slots.ts';
import { outcomeOfResult } from './result-outcome.ts';
import { outcomeOfThrown } from './thrown-value.ts';
import type { UserCode } from './user-code.ts';

/**
 * Runs inputs.
 *
 * Invariants
 *   I1. Each `run` is answered by exactly one `output`, whatever the code does; what comes later is dropped.
 *   I2. An input holds a place from the start of its code to its output.
 */
export class InputLoop {
  readonly #code: UserCode;
  readonly #slots: InputSlots;
  readonly #send: (message: RunnerToWorker) => void;
  readonly #open = new Map<string, ActiveInput>();
  /** Of the open inputs, those whose code is a generator. */
  readonly #generators = new Map<string, GeneratorRun>();
  #onIdle: (() => void) | undefined;

  constructor(code: UserCode, slots: InputSlots, send: (message: RunnerToWorker) => void) {
    this.#code = code;
    this.#slots = slots;
    this.#send = send;
  }

  run(message: RunMessage): void {
    const input = new ActiveInput(message.inputId, message.callId);
    this.#open.set(message.inputId, input);
    this.#slots.enter(() => this.#execute(message, input));
  }

  /** Everything that is open ends for the sake of the container. */
  interrupt(): void {
    for (const inputId of [...this.#open.keys()]) this.abort(inputId, 'preempted');
  }

  abort(inputId: string, reason: AbortReason): void {
    const input = this.#open.get(inputId);
    input?.abort(reason);
    if (input?.abortReason) this.#generators.get(inputId)?.abort(input.abortReason);
  }

  /** The consumer of a generator has taken this many of its values. */
  credit(inputId: string, taken: number): void {
    this.#generators.get(inputId)?.credit(taken);
  }

  /** Ends an input whose code failed outside its own promise. False if it is not open. */
  fail(input: ActiveInput, thrown: unknown): boolean {
    if (this.#open.get(input.inputId) !== input) return false;
    this.#finish(input, outcomeOfThrown(thrown));
    return true;
  }

  /** Inputs that run, or wait for a place. */
  active(): Iterable<ActiveInput> {
    return this.#open.values();
  }

  /** Resolves when nothing runs any more. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onIdle = resolve));
  }

  #execute(message: RunMessage, input: ActiveInput): void {
    if (input.abortReason) return this.#finish(input, failure(input.abortReason));
    let handler;
    let args: unknown[];
    try {
      handler = this.#code.handler(message.method);
      args = decodeValue(message.args) as unknown[];
    } catch (error) {
      return this.#finish(input, failure(error));
    }
    let result: unknown;
    try {
      result = runAsInput(input, () => handler(args));
    } catch (thrown) {
      return this.#finish(input, outcomeOfThrown(thrown));
    }
    if (message.stream) return this.#iterate(input, result);
    try {
      if (!isThenable(result)) return this.#finish(input, outcomeOfResult(result));
      result.then(
        (value) => this.#finish(input, outcomeOfResult(value)),
        (thrown: unknown) => this.#finish(input, outcomeOfThrown(thrown)),
      );
    } catch (thrown) {
      // Looking for `then`, or calling it, runs the user's code, too.
      this.#finish(input, outcomeOfThrown(thrown));
    }
  }

  #iterate(input: ActiveInput, result: unknown): void {
    const { inputId } = input;
    const send = (message: RunnerToWorker): void => {
      if (this.#open.get(inputId) === input) this.#send(message);
    };
    const run = new GeneratorRun({ inputId, result, send });
    this.#generators.set(inputId, run);
    // The whole iteration, so that each part of the generator's body finds its input.
    void runAsInput(input, () => run.run()).then((outcome) => this.#finish(input, outcome));
  }

  #finish(input: ActiveInput, outcome: Outcome): void {
    const { inputId, startedAtMs } = input;
    if (this.#open.get(inputId) !== input) return;
    this.#open.delete(inputId);
    this.#generators.delete(inputId);
    const counted = input.isInterrupted ? failure(input.abortReason) : outcome;
    this.#send({ type: 'output', inputId, outcome: counted, startedAtMs, finishedAtMs: Date.now() });
    this.#slots.leave();
    if (this.#open.size === 0) this.#onIdle?.();
  }
}

function failure(error: unknown): Outcome {
  return { type: 'failure', failure: toWireError(error) };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

import {
  FunctionTimeoutError,
  InputCancellation,
  LIMITS,
  toWireError,
  type FunctionSpec,
  type GantryError,
  type Outcome,
  type OutputMessage,
} from '@gantry/protocol';
import type { InputQueue, OutputStore } from '@gantry/messaging';
import type { Logger } from '@gantry/telemetry';

import type { Clock } from '../clock.ts';
import type { AssignedInput } from './assigned-input.ts';
import type { CancelledCalls } from './cancelled-calls.ts';
import type { InputWatch } from './input-watch.ts';
import type { Payloads } from './payloads.ts';
import { crashError, type CrashReason } from './crash-error.ts';
import type { CrashedInputs } from './crashed-inputs.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { ValueStream } from './value-stream.ts';

/** Where an input ran, as its settlement needs to know it. */
export interface InputSite {
  readonly pool: string;
  readonly containerId: string;
  readonly spec: FunctionSpec;
  /** An input ended in it for good. Absent where none ran. */
  inputEnded?(outcome: Outcome): void;
}

export interface InputTimes {
  startedAtMs: number;
  finishedAtMs: number;
}

/** The end of a container that nobody asked for. */
export interface Crash {
  reason: CrashReason;
  message: string;
  /** No other input was in the container. */
  wasAlone: boolean;
}

export interface InputSettlementOptions {
  inputs: Pick<InputQueue, 'submit'>;
  outputs: Pick<OutputStore, 'store'>;
  payloads: Payloads;
  watch: InputWatch;
  cancelled: CancelledCalls;
  crashes: CrashedInputs;
  clock: Clock;
  log: Logger;
  /** Told after each acknowledgement. */
  onAcknowledged(pool: string): void;
}

/**
 * Ends inputs: with an output, with another attempt, or by giving them back.
 *
 * Invariants
 *   S1. Each input is settled at most once here; later attempts to settle it do nothing.
 *   S2. An input is acknowledged only after its output, or its next attempt, is on disk.
 *   S3. A lost input (see {@link InputWatch}) is neither answered nor acknowledged.
 */
export class InputSettlement {
  readonly #options: InputSettlementOptions;
  /** Ends that are on their way to disk. */
  #storing = 0;
  #onIdle: (() => void) | undefined;

  constructor(options: InputSettlementOptions) {
    this.#options = options;
  }

  /** Resolves when nothing is on its way to disk. */
  idle(): Promise<void> {
    if (this.#storing === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onIdle = resolve));
  }

  /** The code ended: with a value, with an error (retried by policy), or with a failure. */
  finished(input: AssignedInput, site: InputSite, result: { outcome: Outcome; times: InputTimes }): void {
    if (!this.#begin(input, site)) return;
    if (result.outcome.type === 'error' && this.#retry(input, site)) return;
    this.#store(input, site, result);
  }

  /** The code ran longer than `timeoutMs`. */
  timedOut(input: AssignedInput, site: InputSite): void {
    if (!this.#begin(input, site) || this.#retry(input, site)) return;
    const { name, options } = site.spec;
    const error = new FunctionTimeoutError(
      `function "${name}" ran longer than its ${options.timeoutMs ?? 300_000} ms`,
      {
        hint: 'Raise timeoutMs, or do less per call.',
      },
    );
    this.#fail(input, site, error);
  }

  cancel(input: AssignedInput, site: InputSite): void {
    if (!this.#begin(input, site)) return;
    this.#fail(input, site, new InputCancellation(`input "${input.message.inputId}" was cancelled`));
  }

  /**
   * Its container crashed. It runs again elsewhere, unless it was alone in there, and not for the first time. True if
   * it is failed.
   */
  crashed(input: AssignedInput, site: InputSite, crash: Crash): boolean {
    if (input.phase === 'settled') return false;
    const crashes = this.#options.crashes.note(input.message.inputId);
    if (!crash.wasAlone || crashes < LIMITS.crashesPerInput[crash.reason]) {
      this.giveBack(input);
      return false;
    }
    if (!this.#begin(input, site)) return false;
    this.#fail(input, site, crashError(input, site, { ...crash, crashes }));
    return true;
  }

  /** Runs elsewhere, at once. */
  giveBack(input: AssignedInput): void {
    if (input.phase === 'settled') return;
    input.phase = 'settled';
    if (!input.lost) input.delivery.retryNow();
    this.#release(input);
  }

  /** Someone else has answered it. */
  answered(input: AssignedInput): void {
    input.phase = 'settled';
    input.delivery.ack();
    this.#release(input);
  }

  #begin(input: AssignedInput, site: InputSite): boolean {
    if (input.phase === 'settled') return false;
    input.phase = 'settled';
    if (this.#options.watch.holdsLease(input)) return true;
    this.#options.log.warn(
      { inputId: input.message.inputId, containerId: site.containerId },
      'a result came after the lease of its input had ended; it is discarded, the input runs again',
    );
    this.#release(input);
    return false;
  }

  #retry(input: AssignedInput, site: InputSite): boolean {
    const { inputs, clock, cancelled } = this.#options;
    const attempt = input.message.attempt + 1;
    const delayMs = retryDelayMs(site.spec.options.retries, attempt);
    if (delayMs === undefined || cancelled.has(input.message.callId)) return false;
    const next = { ...input.message, attempt, notBeforeMs: clock.wallMs() + delayMs };
    this.#acknowledgeAfter(input, site.pool, inputs.submit(site.pool, next));
    return true;
  }

  #fail(input: AssignedInput, site: InputSite, error: GantryError): void {
    const finishedAtMs = this.#options.clock.wallMs();
    const times = { startedAtMs: input.startedAtMs || finishedAtMs, finishedAtMs };
    this.#store(input, site, { outcome: { type: 'failure', failure: toWireError(error) }, times });
  }

  #store(input: AssignedInput, site: InputSite, result: { outcome: Outcome; times: InputTimes }): void {
    const { payloads, outputs } = this.#options;
    const { inputId, callId, index, attempt, functionId, method } = input.message;
    const { outcome, times } = result;
    site.inputEnded?.(outcome);
    const output: OutputMessage = {
      inputId,
      callId,
      index,
      attempt,
      outcome,
      startedAtMs: times.startedAtMs,
      finishedAtMs: times.finishedAtMs,
      containerId: site.containerId,
      functionId,
      method,
    };
    const stored = input.stream
      ? this.#storeStreamed(output, input.stream)
      : payloads.isLarge(outcome)
        ? payloads.storeOutcome(outcome).then((small) => outputs.store({ ...output, outcome: small }))
        : outputs.store(output);
    this.#acknowledgeAfter(input, site.pool, stored);
  }

  // Nobody who waits gets less than what the generator yielded before it ended.
  async #storeStreamed(output: OutputMessage, values: ValueStream): Promise<unknown> {
    const { payloads, outputs } = this.#options;
    const stream = await values.end();
    const outcome = await payloads.storeOutcome(output.outcome);
    return outputs.store({ ...output, outcome, stream });
  }

  #acknowledgeAfter(input: AssignedInput, pool: string, onDisk: Promise<unknown>): void {
    this.#storing++;
    onDisk.then(
      () => {
        input.delivery.ack();
        this.#options.onAcknowledged(pool);
        this.#stored(input);
      },
      (err: unknown) => {
        this.#options.log.error(
          { err, inputId: input.message.inputId },
          'the end of an input could not be stored',
        );
        input.delivery.retryNow();
        this.#stored(input);
      },
    );
  }

  #stored(input: AssignedInput): void {
    this.#storing--;
    this.#release(input);
    if (this.#storing === 0) this.#onIdle?.();
  }

  #release(input: AssignedInput): void {
    input.leased = false;
    input.stream?.close();
    this.#options.watch.releaseIfDone(input);
  }
}

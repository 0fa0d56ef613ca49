import { INPUT_LEASE_MS } from '@gantry/protocol';
import type { InputDelivery } from '@gantry/messaging';

import type { Clock } from '../clock.ts';
import type { AssignedInput } from './assigned-input.ts';

const SWEEP_MS = 100;
const EXTEND_MS = 2_500;
/** After the broker could not be told. */
const RETRY_MS = 500;
/** How long a delivery waits for the end of an earlier one of the same input, which is mostly a matter of milliseconds. */
const WAITS_MS = 1_000;
/** How long a lost input is kept for a new delivery, where its code can do nothing until then. */
const KEPT_MS = 10_000;

export interface InputWatchOptions {
  clock: Clock;
  /** Called for inputs that run longer than allowed; again at each sweep until their deadline changes. */
  onOverdue(input: AssignedInput, nowMs: number): void;
  /** Called once for an input whose lease ended while it was here. */
  onLost(input: AssignedInput): void;
  /** Called for a lost generator that was not delivered here again: nothing of it leaves, so it waits in vain. */
  onForlorn(input: AssignedInput): void;
  /** Called at each sweep. */
  onSweep(nowMs: number): void;
}

/** A delivery of an input of which an earlier one is not over here. */
interface WaitingDelivery {
  delivery: InputDelivery;
  resume: () => void;
  untilMs: number;
}

/**
 * All inputs on this worker, under one timer, which runs only while there are any.
 *
 * Invariants
 *   W1. A lease holds as long after an extension was sent as it lasts, if the broker said that it has it. After a longer
 *       pause, or longer without the broker (by this process's monotonic clock), the input is `lost`: it may run elsewhere,
 *       and no result of it leaves this worker.
 *   W2. If a lost input is delivered here again while its code still runs, the new delivery continues it.
 *   W3. Otherwise a delivery of an input that is here waits for its end, a moment long, and is then given back for later.
 */
export class InputWatch {
  readonly #options: InputWatchOptions;
  readonly #inputs = new Map<string, AssignedInput>();
  /** By id of their input. */
  readonly #waiting = new Map<string, WaitingDelivery>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: InputWatchOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#inputs.size;
  }

  add(input: AssignedInput): void {
    this.#inputs.set(input.message.inputId, input);
    this.#timer ??= setInterval(() => this.sweep(), SWEEP_MS);
  }

  /** Forgets an input that is neither leased nor running any more. */
  releaseIfDone(input: AssignedInput): void {
    if (input.leased || input.occupying) return;
    const { inputId } = input.message;
    if (this.#inputs.get(inputId) !== input) return;
    this.#inputs.delete(inputId);
    if (this.#inputs.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const waiting = this.#waiting.get(inputId);
    this.#waiting.delete(inputId);
    waiting?.resume();
  }

  /**
   * Takes a delivery of an input that is here already: continues it, or waits for its end, and then calls `resume`. False
   * if it is not here.
   */
  adopt(delivery: InputDelivery, resume: () => void): boolean {
    const { inputId, attempt } = delivery.message;
    const input = this.#inputs.get(inputId);
    if (!input) return false;
    // Answered, only its code has not ended yet; or the next attempt of one whose end is being stored.
    if (!input.leased || attempt !== input.message.attempt) {
      const untilMs = this.#options.clock.monotonicMs() + WAITS_MS;
      if (this.#waiting.has(inputId)) delivery.retryAfter(EXTEND_MS);
      else this.#waiting.set(inputId, { delivery, resume, untilMs });
      return true;
    }
    input.delivery = delivery;
    input.leasedAtMs = this.#options.clock.monotonicMs();
    input.extendedAtMs = input.leasedAtMs;
    input.lost = false;
    return true;
  }

  *ofCall(callId: string): Iterable<AssignedInput> {
    for (const input of this.#inputs.values()) if (input.message.callId === callId) yield input;
  }

  /** True if no other worker can have this input now. */
  holdsLease(input: AssignedInput): boolean {
    return !input.lost && this.#options.clock.monotonicMs() - input.leasedAtMs <= INPUT_LEASE_MS;
  }

  /** One turn of the timer. */
  sweep(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const input of this.#inputs.values()) {
      if (input.leased) this.#tendLease(input, nowMs);
      if (input.occupying && input.deadlineMs <= nowMs) this.#options.onOverdue(input, nowMs);
    }
    for (const [inputId, { delivery, untilMs }] of this.#waiting) {
      if (untilMs > nowMs) continue;
      this.#waiting.delete(inputId);
      delivery.retryAfter(EXTEND_MS);
    }
    this.#options.onSweep(nowMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#inputs.clear();
    for (const { delivery } of this.#waiting.values()) delivery.retryNow();
    this.#waiting.clear();
  }

  #tendLease(input: AssignedInput, nowMs: number): void {
    const age = nowMs - input.leasedAtMs;
    if (input.lost && input.stream && age > INPUT_LEASE_MS + KEPT_MS) this.#options.onForlorn(input);
    if (input.lost) return;
    if (age > INPUT_LEASE_MS) {
      input.lost = true;
      this.#options.onLost(input);
      return;
    }
    if (nowMs - input.extendedAtMs >= EXTEND_MS) void this.#extend(input, nowMs);
  }

  async #extend(input: AssignedInput, nowMs: number): Promise<void> {
    const { delivery } = input;
    input.extendedAtMs = nowMs;
    try {
      await delivery.extend();
      // It may have been late: then others may have the input, whatever the broker was told.
      if (input.delivery === delivery && this.holdsLease(input)) input.leasedAtMs = nowMs;
    } catch {
      input.extendedAtMs = nowMs - EXTEND_MS + RETRY_MS;
    }
  }
}

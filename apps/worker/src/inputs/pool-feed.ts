import type { InputDelivery, InputQueue, OutputStore, PoolPull } from '@gantry/messaging';
import type { Logger } from '@gantry/telemetry';

import type { Clock } from '../clock.ts';
import { AssignedInput } from './assigned-input.ts';
import type { CancelledCalls } from './cancelled-calls.ts';
import type { InputSettlement, InputSite } from './input-settlement.ts';
import type { InputWatch } from './input-watch.ts';

const HELD_AT_MOST_MS = 500;

/** A container as a feed sees it: a site with places. */
export interface InputTaker extends InputSite {
  /** Places that are free now; 0 unless it is ready. */
  readonly freeSlots: number;
  /** Inputs and web requests that run now. */
  readonly running: number;
  /** Inputs in a batch that waits for more: it is filled before another begins. */
  readonly forming?: number;
  run(input: AssignedInput): void;
}

export interface PoolFeedOptions {
  pool: string;
  inputs: Pick<InputQueue, 'openPull'>;
  outputs: Pick<OutputStore, 'find'>;
  watch: InputWatch;
  settlement: InputSettlement;
  cancelled: CancelledCalls;
  clock: Clock;
  log: Logger;
}

/**
 * The inputs of one pool, for all its containers on this worker.
 *
 * Invariants
 *   F1. Inputs asked for, held and running together never exceed the places of the ready containers, except
 *       for a moment after places disappeared (web requests, draining); then deliveries are held, and given back
 *       when no place gets free soon.
 *   F2. A place that gets free is asked for in the same turn.
 */
export class PoolFeed {
  readonly #options: PoolFeedOptions;
  readonly #takers = new Set<InputTaker>();
  readonly #held = new Set<AssignedInput>();
  /** Inputs that are looked up before they may run. */
  #checking = 0;
  #pull: PoolPull | undefined;

  constructor(options: PoolFeedOptions) {
    this.#options = options;
  }

  /** A container that takes inputs from now on. */
  add(taker: InputTaker): void {
    this.#takers.add(taker);
    this.#pull ??= this.#openPull();
    this.balance();
  }

  /** Places disappeared for good: what was asked for and does not fit is left to others. */
  shrink(): void {
    if (!this.#pull || this.#pull.outstanding <= this.#free()) return;
    this.#pull.close();
    this.#pull = this.#openPull();
    this.balance();
  }

  /** A container that takes no more inputs. */
  remove(taker: InputTaker): void {
    if (!this.#takers.delete(taker)) return;
    if (this.#takers.size > 0) return this.balance();
    this.#pull?.close();
    this.#pull = undefined;
    for (const input of this.#held) this.#options.settlement.giveBack(input);
    this.#held.clear();
  }

  /** Places changed: hands over what is held, then asks for what fits. */
  balance(): void {
    for (const input of this.#held) {
      const taker = this.#pickTaker();
      if (!taker) break;
      this.#held.delete(input);
      taker.run(input);
    }
    const pull = this.#pull;
    if (!pull) return;
    const missing = this.#free() - pull.outstanding;
    if (missing > 0) pull.ask(missing);
  }

  /** Ends the held inputs of a cancelled call. */
  cancelHeld(callId: string): void {
    for (const input of this.#held) {
      if (input.message.callId !== callId) continue;
      this.#held.delete(input);
      this.#cancel(input);
    }
  }

  /** Gives back what found no place for too long: another worker may have one. The like is not asked for again. */
  sweep(nowMs: number): void {
    const late = [...this.#held].filter((input) => nowMs >= input.deadlineMs);
    for (const input of late) this.#held.delete(input);
    // First, or they might come back here.
    if (late.length > 0) this.shrink();
    for (const input of late) this.#options.settlement.giveBack(input);
  }

  /** Places that no input has, and none that is here will take. */
  #free(): number {
    let free = 0;
    for (const taker of this.#takers) free += taker.freeSlots;
    return free - this.#held.size - this.#checking;
  }

  #openPull(): PoolPull {
    return this.#options.inputs.openPull(this.#options.pool, (delivery) => this.#receive(delivery));
  }

  #receive(delivery: InputDelivery): void {
    const { clock, watch, cancelled } = this.#options;
    const { message } = delivery;
    const waitMs = message.notBeforeMs === undefined ? 0 : message.notBeforeMs - clock.wallMs();
    if (waitMs > 0) {
      delivery.retryAfter(waitMs);
      return this.balance();
    }
    // Only a repeated delivery can be of an input that is here, or answered, already.
    const repeated = message.attempt > 0 || delivery.deliveries > 1;
    if (repeated && watch.adopt(delivery, () => this.#receive(delivery))) return this.balance();
    const input = new AssignedInput(delivery, clock.monotonicMs());
    watch.add(input);
    if (cancelled.has(message.callId)) return this.#cancel(input);
    if (repeated) void this.#runUnlessAnswered(input);
    else this.#assign(input);
  }

  #assign(input: AssignedInput): void {
    const taker = this.#held.size === 0 ? this.#pickTaker() : undefined;
    if (taker) return taker.run(input);
    if (this.#takers.size === 0) return this.#options.settlement.giveBack(input);
    input.deadlineMs = this.#options.clock.monotonicMs() + HELD_AT_MOST_MS;
    this.#held.add(input);
  }

  async #runUnlessAnswered(input: AssignedInput): Promise<void> {
    const { outputs, settlement, log } = this.#options;
    const { callId, index, inputId } = input.message;
    this.#checking++;
    try {
      const output = await outputs.find(callId, index);
      this.#checking--;
      if (output?.inputId === inputId) settlement.answered(input);
      else this.#assign(input);
    } catch (err) {
      this.#checking--;
      log.warn({ err, inputId }, 'could not find out whether an input was answered; it is given back');
      settlement.giveBack(input);
    }
    this.balance();
  }

  #cancel(input: AssignedInput): void {
    const [taker] = this.#takers;
    if (taker)
      this.#options.settlement.cancel(input, { pool: taker.pool, spec: taker.spec, containerId: '' });
    else this.#options.settlement.giveBack(input);
    this.balance();
  }

  #pickTaker(): InputTaker | undefined {
    let best: InputTaker | undefined;
    for (const taker of this.#takers) {
      if (taker.freeSlots === 0) continue;
      if ((taker.forming ?? 0) > 0) return taker;
      if (!best || taker.running < best.running) best = taker;
    }
    return best;
  }
}

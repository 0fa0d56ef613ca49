import { LIMITS, newId, UserCodeError, type Payload, type SubmitMessage } from '@gantry/protocol';

import type { OpenInput } from './call-tracker.ts';
import type { Route } from './function-target.ts';
import { showMap, type MapCounts } from './progress/map-progress.ts';
import type { ArgLists } from './zip.ts';

export interface MapOptions {
  /** Results in the order of the inputs; false gives them as they come. @defaultValue true */
  orderOutputs?: boolean;
  /** Failures become results, each a `UserCodeError` with the error as its cause. @defaultValue false */
  returnExceptions?: boolean;
  /** Ends the iteration with its reason, and cancels what is left. */
  signal?: AbortSignal;
}

export interface MapPlan {
  /** How messages name the function. */
  readonly label: string;
  readonly argLists: ArgLists;
  readonly orderOutputs: boolean;
  readonly returnExceptions: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly route: () => Promise<Route>;
  readonly encode: (args: readonly unknown[]) => Uint8Array;
  readonly submitMessage: (route: Route, callId: string) => SubmitMessage;
}

type Result = { type: 'value'; value: unknown } | { type: 'error'; error: unknown };

// One message carries at most this many inputs, or about this many bytes.
const BATCH_INPUTS = 100;
const BATCH_BYTES = 256 * 1024;

/** Runs a plan; nothing happens before the first result is asked for. */
export async function* mapInputs(plan: MapPlan): AsyncGenerator<unknown, void> {
  const { signal } = plan;
  signal?.throwIfAborted();
  const run = new MapRun(plan, await plan.route());
  const hideProgress = showMap({ label: plan.label, word: 'done', counts: () => run.counts() });
  const onAbort = (): void => run.wakeConsumer();
  signal?.addEventListener('abort', onAbort);
  try {
    run.start();
    for (;;) {
      signal?.throwIfAborted();
      const result = run.take();
      if (result) yield run.toValue(result);
      else if (run.finished()) return;
      else await run.progress();
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    run.stop();
    hideProgress();
  }
}

/**
 * One map in progress: a pump that reads and submits inputs, and a buffer of results.
 *
 * Invariants
 *   P1. At most `LIMITS.mapInFlight` inputs were submitted and not yet taken as results, so neither a slow
 *       consumer nor one slow input lets the buffer grow.
 *   P2. Every submitted input is in `#open` until it is settled; what is there when the consumer leaves is
 *       cancelled.
 */
class MapRun {
  readonly #plan: MapPlan;
  readonly #route: Route;
  readonly #callId: string;
  readonly #open = new Set<string>();
  /** Results by the position at which they will be taken. */
  readonly #results = new Map<number, Result>();
  #submitted = 0;
  #arrived = 0;
  #failed = 0;
  #taken = 0;
  #batch: { inputs: OpenInput[]; message: SubmitMessage; bytes: number };
  #pumpDone = false;
  #inputFailure: { error: unknown } | undefined;
  #stopped = false;
  #onProgress: (() => void) | undefined;
  /** Set while inputs come from it. */
  #source: AsyncIterator<readonly unknown[]> | undefined;
  #wakePump: (() => void) | undefined;

  constructor(plan: MapPlan, route: Route) {
    this.#plan = plan;
    this.#route = route;
    this.#callId = route.platform.tracker.newCallId();
    this.#batch = this.#emptyBatch();
  }

  start(): void {
    void this.#pump();
  }

  /** The next result, if it is there. */
  take(): Result | undefined {
    const result = this.#results.get(this.#taken);
    if (!result) return undefined;
    this.#results.delete(this.#taken++);
    this.#wakePump?.();
    return result;
  }

  /** @throws What the input iterable threw, once the results so far were taken. */
  finished(): boolean {
    if (this.#inputFailure) throw this.#inputFailure.error;
    return this.#pumpDone && this.#taken === this.#submitted;
  }

  /** How far it is. */
  counts(): MapCounts {
    const { total } = this.#plan.argLists;
    const areAllKnown = this.#pumpDone || total !== undefined;
    const known = this.#pumpDone ? this.#submitted : Math.max(total ?? 0, this.#submitted);
    return { done: this.#arrived, failed: this.#failed, known, areAllKnown };
  }

  /** Resolves when {@link take} or {@link finished} may answer otherwise. */
  progress(): Promise<void> {
    return new Promise((resolve) => (this.#onProgress = resolve));
  }

  /** Makes the consumer look again. */
  wakeConsumer(): void {
    this.#onProgress?.();
  }

  toValue(result: Result): unknown {
    if (result.type === 'value') return result.value;
    if (!this.#plan.returnExceptions) throw result.error;
    const cause = result.error;
    const message = cause instanceof Error ? cause.message : 'the function failed';
    return new UserCodeError(message, { cause });
  }

  stop(): void {
    this.#stopped = true;
    this.#wakePump?.();
    // Not left to the pump, which may be waiting for an input that takes long to come.
    void closeQuietly(this.#source);
    if (this.#open.size > 0) this.#route.platform.tracker.abandon(this.#callId, this.#open);
  }

  async #pump(): Promise<void> {
    try {
      const { argLists } = this.#plan;
      if (Symbol.iterator in argLists) await this.#pumpSync(argLists);
      else await this.#pumpAsync((this.#source = argLists[Symbol.asyncIterator]()));
    } catch (error) {
      this.#inputFailure = { error };
    }
    this.#flush();
    this.#pumpDone = true;
    this.wakeConsumer();
  }

  async #pumpSync(argLists: Iterable<readonly unknown[]>): Promise<void> {
    for (const args of argLists) {
      const waiting = this.#push(args);
      if (waiting) await waiting;
      if (this.#isFull()) await this.#room();
      if (this.#stopped) return;
    }
  }

  async #pumpAsync(source: AsyncIterator<readonly unknown[]>): Promise<void> {
    for (;;) {
      const step = await this.#read(source);
      if (step.done || this.#stopped) return;
      const waiting = this.#push(step.value);
      if (waiting) await waiting;
      // What was read is sent before the next is waited for; the transport joins what one turn brings.
      this.#flush();
      if (this.#isFull()) await this.#room();
      if (this.#stopped) return;
    }
  }

  // One that has ended, or failed, is not to be closed.
  async #read(source: AsyncIterator<readonly unknown[]>): Promise<IteratorResult<readonly unknown[]>> {
    try {
      const step = await source.next();
      if (step.done) this.#source = undefined;
      return step;
    } catch (error) {
      this.#source = undefined;
      throw error;
    }
  }

  #isFull(): boolean {
    return this.#submitted - this.#taken >= LIMITS.mapInFlight;
  }

  async #room(): Promise<void> {
    this.#flush();
    while (this.#isFull() && !this.#stopped) await new Promise<void>((resolve) => (this.#wakePump = resolve));
  }

  // Returns a promise only if the arguments have to be uploaded first.
  #push(args: readonly unknown[]): Promise<void> | undefined {
    const encoded = this.#plan.encode(args);
    const payload = this.#route.platform.tracker.payloads.store(encoded);
    if (payload instanceof Promise) return payload.then((stored) => this.#add(stored, 0));
    this.#add(payload, encoded.length);
    return undefined;
  }

  #add(args: Payload, bytes: number): void {
    if (this.#stopped) return;
    const index = this.#submitted++;
    const inputId = newId('in');
    const { inputs, message } = this.#batch;
    message.inputs.push({ inputId, index, args });
    this.#open.add(inputId);
    inputs.push({
      inputId,
      callId: this.#callId,
      index,
      submit: message,
      route: this.#route,
      waiter: {
        resolve: (value) => this.#settled(inputId, index, { type: 'value', value }),
        reject: (error) => this.#settled(inputId, index, { type: 'error', error }),
      },
      spawned: false,
      exhaustedTimes: 0,
      rerouted: false,
    });
    this.#batch.bytes += bytes;
    if (inputs.length >= BATCH_INPUTS || this.#batch.bytes >= BATCH_BYTES) this.#flush();
  }

  #settled(inputId: string, index: number, result: Result): void {
    this.#open.delete(inputId);
    if (this.#stopped) return;
    this.#results.set(this.#plan.orderOutputs ? index : this.#arrived, result);
    this.#arrived++;
    if (result.type === 'error') this.#failed++;
    this.wakeConsumer();
  }

  #flush(): void {
    const { inputs, message } = this.#batch;
    if (inputs.length === 0) return;
    this.#batch = this.#emptyBatch();
    if (!this.#stopped) this.#route.platform.tracker.submitAll(message, inputs);
  }

  #emptyBatch(): { inputs: OpenInput[]; message: SubmitMessage; bytes: number } {
    return { inputs: [], message: this.#plan.submitMessage(this.#route, this.#callId), bytes: 0 };
  }
}

async function closeQuietly(source: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await source?.return?.();
  } catch {
    // It is asked to end because nobody wants more of it; how it does so is its own matter.
  }
}

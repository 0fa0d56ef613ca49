import { LIMITS, newId, type Payload, type SubmitMessage } from '@gantry/protocol';

import type { OpenInput } from './call-tracker.ts';
import type { Route } from './function-target.ts';
import { showMap, type MapCounts } from './progress/map-progress.ts';
import type { ArgLists } from './zip.ts';

export interface SpawnMapPlan {
  /** How messages name the function. */
  readonly label: string;
  readonly argLists: ArgLists;
  readonly route: Route;
  readonly encode: (args: readonly unknown[]) => Uint8Array;
  readonly submitMessage: (route: Route, callId: string) => SubmitMessage;
}

// One message carries at most this many inputs, or about this many bytes.
const BATCH_INPUTS = 100;
const BATCH_BYTES = 256 * 1024;

/**
 * Submits all inputs of a plan as one call, and resolves when all of them are durable. Inputs are read as far
 * as there is room: at most {@link LIMITS.mapInFlight} are not yet accepted at any time.
 *
 * @throws What the input iterable throws, or why an input was refused. Inputs accepted before go on.
 */
export async function spawnInputs(plan: SpawnMapPlan): Promise<void> {
  const run = new SpawnMapRun(plan);
  const hideProgress = showMap({ label: plan.label, word: 'queued', counts: () => run.counts() });
  try {
    await submitAll(run, plan.argLists);
    await run.finish();
  } finally {
    hideProgress();
  }
}

async function submitAll(run: SpawnMapRun, argLists: ArgLists): Promise<void> {
  try {
    for await (const args of argLists) {
      await run.push(args);
      if (run.failure) break;
    }
  } catch (error) {
    await run.finish().catch(() => undefined);
    throw error;
  }
}

/** One `spawnMap` in progress. */
class SpawnMapRun {
  /** Why the first input was refused. */
  failure: { error: unknown } | undefined;
  readonly #plan: SpawnMapPlan;
  readonly #callId: string;
  #index = 0;
  #unaccepted = 0;
  #isFinishing = false;
  #batch: { inputs: OpenInput[]; message: SubmitMessage; bytes: number };
  #wake: (() => void) | undefined;

  constructor(plan: SpawnMapPlan) {
    this.#plan = plan;
    this.#callId = plan.route.platform.tracker.newCallId();
    this.#batch = this.#emptyBatch();
  }

  async push(args: readonly unknown[]): Promise<void> {
    const encoded = this.#plan.encode(args);
    const payload = await this.#plan.route.platform.tracker.payloads.store(encoded);
    this.#add(payload, payload instanceof Uint8Array ? payload.length : 0);
    if (this.#unaccepted >= LIMITS.mapInFlight) await this.#until(LIMITS.mapInFlight / 2);
  }

  /** How far it is. */
  counts(): MapCounts {
    const { total } = this.#plan.argLists;
    const known = this.#isFinishing ? this.#index : Math.max(total ?? 0, this.#index);
    const areAllKnown = this.#isFinishing || total !== undefined;
    return { done: this.#index - this.#unaccepted, failed: 0, known, areAllKnown };
  }

  /** No more comes. Resolves when all is accepted. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    await this.#until(0);
    if (this.failure) throw this.failure.error;
  }

  async #until(most: number): Promise<void> {
    this.#flush();
    while (this.#unaccepted > most && !this.failure)
      await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #add(args: Payload, bytes: number): void {
    const index = this.#index++;
    const inputId = newId('in');
    const { inputs, message } = this.#batch;
    message.inputs.push({ inputId, index, args });
    this.#unaccepted++;
    inputs.push({
      inputId,
      callId: this.#callId,
      index,
      submit: message,
      route: this.#plan.route,
      waiter: {
        resolve: () => this.#settled(),
        reject: (error) => {
          this.failure ??= { error };
          this.#settled();
        },
      },
      spawned: true,
      // Said once for the call is enough.
      forgets: index === 0,
      exhaustedTimes: 0,
      rerouted: false,
    });
    this.#batch.bytes += bytes;
    if (inputs.length >= BATCH_INPUTS || this.#batch.bytes >= BATCH_BYTES) this.#flush();
  }

  #settled(): void {
    this.#unaccepted--;
    this.#wake?.();
  }

  #flush(): void {
    const { inputs, message } = this.#batch;
    if (inputs.length === 0) return;
    this.#batch = this.#emptyBatch();
    this.#plan.route.platform.tracker.submitAll(message, inputs);
  }

  #emptyBatch(): { inputs: OpenInput[]; message: SubmitMessage; bytes: number } {
    return { inputs: [], message: this.#plan.submitMessage(this.#plan.route, this.#callId), bytes: 0 };
  }
}

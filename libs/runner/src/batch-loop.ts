import {
  decodeValue,
  InvalidError,
  toWireError,
  type Outcome,
  type RunBatchMessage,
  type RunnerToWorker,
} from '@gantry/protocol';

import { ActiveInput, runAsInput } from './current-input.ts';
import type { InputSlots } from './input-slots.ts';
import { outcomeOfResult } from './result-outcome.ts';
import { outcomeOfThrown } from './thrown-value.ts';
import type { UserCode } from './user-code.ts';

type Member = RunBatchMessage['inputs'][number];

/** A batch whose code runs, or waits for a place. */
interface OpenBatch {
  readonly message: RunBatchMessage;
  /** Stands for all members: the code sees the id and the signal of the first one. */
  readonly lead: ActiveInput;
  /** Members whose callers still wait. */
  readonly wanted: Set<string>;
}

/**
 * Runs batches: one call of a method that takes lists, for several inputs.
 *
 * Invariants
 *   B1. Each member of a batch is answered by exactly one `output`, all in one turn.
 *   B2. A batch holds one place, however many members it has.
 *   B3. A timeout aborts the batch; a cancellation does once all members are cancelled.
 */
export class BatchLoop {
  readonly #code: UserCode;
  readonly #slots: InputSlots;
  readonly #send: (message: RunnerToWorker) => void;
  /** By member. */
  readonly #open = new Map<string, OpenBatch>();
  #onIdle: (() => void) | undefined;

  constructor(code: UserCode, slots: InputSlots, send: (message: RunnerToWorker) => void) {
    this.#code = code;
    this.#slots = slots;
    this.#send = send;
  }

  run(message: RunBatchMessage): void {
    const [first] = message.inputs;
    if (!first) return;
    const lead = new ActiveInput(first.inputId, first.callId);
    const ids = message.inputs.map(({ inputId }) => inputId);
    const batch: OpenBatch = { message, lead, wanted: new Set(ids) };
    for (const inputId of ids) this.#open.set(inputId, batch);
    this.#slots.enter(() => this.#execute(batch));
  }

  /** Everything that is open ends for the sake of the container. */
  interrupt(): void {
    for (const { lead } of [...this.#open.values()]) lead.abort('preempted');
  }

  abort(inputId: string, reason: 'cancelled' | 'timeout'): void {
    const batch = this.#open.get(inputId);
    if (!batch) return;
    batch.wanted.delete(inputId);
    if (reason === 'timeout' || batch.wanted.size === 0) batch.lead.abort(reason);
  }

  /** Ends a batch whose code failed outside its own promise. False if it is not open. */
  fail(input: ActiveInput, thrown: unknown): boolean {
    const batch = this.#open.get(input.inputId);
    if (batch?.lead !== input) return false;
    const outcome = outcomeOfThrown(thrown);
    this.#finish(batch, () => outcome);
    return true;
  }

  /** Of each batch that runs, or waits for a place, the input that stands for it. */
  active(): Iterable<ActiveInput> {
    return new Set([...this.#open.values()].map(({ lead }) => lead));
  }

  /** Resolves when nothing runs any more. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#onIdle = resolve));
  }

  #execute(batch: OpenBatch): void {
    const { message, lead } = batch;
    if (lead.abortReason) return this.#finishAll(batch, failure(lead.abortReason));
    const broken = new Map<string, Outcome>();
    const members: { inputId: string; args: unknown[] }[] = [];
    for (const member of message.inputs) decodeMember(member, members, broken);
    if (members.length === 0) return this.#finish(batch, (inputId) => broken.get(inputId));
    const answerThrown = (thrown: unknown): void => {
      const outcome = outcomeOfThrown(thrown);
      this.#finish(batch, (inputId) => broken.get(inputId) ?? outcome);
    };
    const answer = (value: unknown): void => {
      const byId = new Map<string, Outcome>();
      try {
        const outcomes = outcomesOf(value, { label: message.method, count: members.length });
        for (const [index, { inputId }] of members.entries()) byId.set(inputId, outcomes(index));
      } catch (thrown) {
        // Reading the list may run the user's code, too.
        return answerThrown(thrown);
      }
      this.#finish(batch, (inputId) => byId.get(inputId) ?? broken.get(inputId));
    };
    try {
      const handler = this.#code.handler(message.method);
      const lists = toLists(members, message.lists);
      Promise.resolve(runAsInput(lead, () => handler(lists))).then(answer, answerThrown);
    } catch (thrown) {
      answerThrown(thrown);
    }
  }

  #finishAll(batch: OpenBatch, outcome: Outcome): void {
    this.#finish(batch, () => outcome);
  }

  #finish(batch: OpenBatch, outcomeOf: (inputId: string) => Outcome | undefined): void {
    const { message, lead } = batch;
    if (this.#open.get(lead.inputId) !== batch) return;
    const times = { startedAtMs: lead.startedAtMs, finishedAtMs: Date.now() };
    for (const { inputId } of message.inputs) {
      this.#open.delete(inputId);
      const outcome = lead.isInterrupted
        ? failure(lead.abortReason)
        : (outcomeOf(inputId) ?? failure(new InvalidError(`input "${inputId}" has no result`)));
      this.#send({ type: 'output', inputId, outcome, ...times });
    }
    this.#slots.leave();
    if (this.#open.size === 0) this.#onIdle?.();
  }
}

// Arguments that cannot be read fail their own caller, not the batch.
function decodeMember(
  { inputId, args }: Member,
  members: { inputId: string; args: unknown[] }[],
  broken: Map<string, Outcome>,
): void {
  try {
    members.push({ inputId, args: decodeValue(args) as unknown[] });
  } catch (error) {
    broken.set(inputId, failure(error));
  }
}

/** One list for each parameter, from the arguments of each member. */
function toLists(members: readonly { args: unknown[] }[], atLeast: number): unknown[][] {
  const count = Math.max(atLeast, ...members.map(({ args }) => args.length));
  return Array.from({ length: count }, (_, position) => members.map(({ args }) => args[position]));
}

function outcomesOf(value: unknown, batch: { label: string; count: number }): (index: number) => Outcome {
  if (Array.isArray(value) && value.length === batch.count) return (index) => outcomeOfResult(value[index]);
  const label = batch.label === '' ? 'the batched function' : `the batched method "${batch.label}"`;
  const got = Array.isArray(value) ? `a list of ${value.length}` : `no list but ${typeof value}`;
  const error = new InvalidError(`${label} returned ${got} for a batch of ${batch.count}`, {
    hint: 'Return a list with one result for each input, in their order.',
  });
  return () => failure(error);
}

function failure(error: unknown): Outcome {
  return { type: 'failure', failure: toWireError(error) };
}

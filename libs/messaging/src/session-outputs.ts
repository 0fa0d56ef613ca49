import {
  type AwaitMessage,
  callSessionKey,
  GantryTimeoutError,
  InvalidError,
  isGantryError,
  LIMITS,
  type OutputMessage,
} from '@gantry/protocol';

import type { Messaging } from './messaging.ts';
import { CALLS_REMEMBERED, RecentSet } from './recent-set.ts';
import { assertCallId, unknownCall } from './session-calls.ts';

export interface SessionOutputsOptions {
  messaging: Messaging;
  sessionKey: string;
  send: (output: OutputMessage) => void;
  /** Whether inputs of the call are on their way into the queue. */
  isSubmitting: (callId: string) => boolean;
}

type AwaitedOutputs = Pick<AwaitMessage, 'callId' | 'indexes'>;

/**
 * Subscribers hear of an output a moment before it can be read. A caller that was told, and asks again within
 * that moment, would find nothing and hear nothing.
 */
const REPLAY_AGAIN_MS = [200, 1_000, 5_000];
const LOOK_AGAIN_MS = 500;

/**
 * The outputs that a session's client hears of: those of its own calls until it forgets them, and those of other
 * sessions' calls that it awaits.
 */
export class SessionOutputs {
  readonly #options: SessionOutputsOptions;
  readonly #own: { stop(): void };
  readonly #others = new Map<string, { stop(): void }>();
  readonly #forgotten = new RecentSet(CALLS_REMEMBERED);
  /** Inputs whose outputs are made up for, by call. */
  readonly #madeUp = new Map<string, number[]>();
  #closed = false;

  constructor(options: SessionOutputsOptions) {
    this.#options = options;
    this.#own = options.messaging.outputs.watchSession(options.sessionKey, (output) => {
      if (!this.isForgotten(output.callId)) options.send(output);
    });
  }

  isForgotten(callId: string): boolean {
    return this.#forgotten.has(callId);
  }

  /**
   * Sends what is stored of a call, and what comes.
   *
   * @throws NotFoundError for a call that does not exist.
   */
  async await(message: AwaitMessage): Promise<void> {
    const { callId } = message;
    assertCallId(callId);
    assertIndexes(message.indexes);
    this.#forgotten.delete(callId);
    const { messaging, sessionKey, isSubmitting, send } = this.#options;
    const isOwn = callSessionKey(callId) === sessionKey;
    if (!isOwn && !this.#others.has(callId)) {
      this.#others.set(callId, messaging.outputs.watchCall(callId, send));
    }
    const submitting = isSubmitting(callId);
    const { open, found } = await this.#look(message);
    if (open + found.size === 0 && !submitting) {
      this.forget(callId);
      throw unknownCall(callId);
    }
    const missing = message.indexes?.filter((index) => !found.has(index));
    const isComplete = missing ? missing.length === 0 : found.size >= open && !submitting;
    if (!isComplete) this.#replayLater({ callId, indexes: missing }, [...REPLAY_AGAIN_MS]);
  }

  /** An input was accepted before, but its client was not told, and perhaps neither of its output. */
  makeUp(callId: string, index: number): void {
    const known = this.#madeUp.get(callId);
    if (known) return void known.push(index);
    const indexes = [index];
    this.#madeUp.set(callId, indexes);
    this.#replayLater({ callId, indexes }, [0, ...REPLAY_AGAIN_MS]);
  }

  forget(callId: string): void {
    const watch = this.#others.get(callId);
    if (watch) {
      watch.stop();
      this.#others.delete(callId);
      return;
    }
    this.#forgotten.add(callId);
  }

  close(): void {
    this.#closed = true;
    this.#own.stop();
    for (const watch of this.#others.values()) watch.stop();
    this.#others.clear();
  }

  /** Looks until the broker answers: waiting for a result has no end of its own, so no outage may be one. */
  async #look(awaited: AwaitedOutputs): Promise<{ open: number; found: Set<number> }> {
    for (;;) {
      try {
        // In this order: an input leaves the queue only after its output is stored.
        const open = await this.#options.messaging.inputs.openInputs(awaited.callId);
        return { open, found: await this.#replay(awaited) };
      } catch (error) {
        if (this.#closed || !isOutage(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS).unref());
      }
    }
  }

  /** Sends what is stored, and tells of which inputs. */
  async #replay({ callId, indexes }: AwaitedOutputs): Promise<Set<number>> {
    const { messaging, send } = this.#options;
    const { outputs } = messaging;
    const found = new Set<number>();
    const forward = (output: OutputMessage | undefined): void => {
      if (!output) return;
      found.add(output.index);
      send(output);
    };
    // A map that is nearly through has a few outputs to come, and many that its client has.
    if (indexes) await Promise.all(indexes.map(async (index) => forward(await outputs.find(callId, index))));
    else for await (const output of outputs.read(callId)) forward(output);
    return found;
  }

  #replayLater(awaited: AwaitedOutputs, delaysMs: number[]): void {
    const { callId } = awaited;
    const delayMs = delaysMs.shift();
    if (delayMs === undefined) return void this.#madeUp.delete(callId);
    const replay = async () => {
      const isAwaited = this.#others.has(callId) || !this.#forgotten.has(callId);
      if (this.#closed || !isAwaited) return void this.#madeUp.delete(callId);
      // What cannot be read now is read by the next turn, or after the client's next `await`.
      await this.#replay(awaited).catch(() => undefined);
      this.#replayLater(awaited, delaysMs);
    };
    setTimeout(() => void replay(), delayMs).unref();
  }
}

// The broker does not answer, or JetStream is not up yet.
function isOutage(error: unknown): boolean {
  return error instanceof GantryTimeoutError || isGantryError(error, 'INTERNAL');
}

function assertIndexes(indexes: unknown): void {
  if (indexes === undefined) return;
  const areIndexes =
    Array.isArray(indexes) && indexes.every((index) => Number.isSafeInteger(index) && index >= 0);
  if (areIndexes && indexes.length <= LIMITS.mapInFlight) return;
  throw new InvalidError(`the inputs to await must be given as up to ${LIMITS.mapInFlight} indexes`);
}

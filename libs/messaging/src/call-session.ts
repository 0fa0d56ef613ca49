import {
  type AwaitMessage,
  type ClassParameters,
  callSessionKey,
  type ClientMessage,
  GantryTimeoutError,
  InputCancellation,
  InvalidError,
  isGantryError,
  LIMITS,
  type OutputMessage,
  type PoolOptions,
  type ServerMessage,
  type SubmitMessage,
  toWireError,
} from '@gantry/protocol';

import type { FunctionDirectory } from './function-directory.ts';
import type { Messaging } from './messaging.ts';
import { readCallGraph } from './read-call-graph.ts';
import { RecentSet } from './recent-set.ts';
import { readStats, updateAutoscaler } from './session-autoscaler.ts';
import { assertCallId, cancelCall, unknownCall } from './session-calls.ts';
import { checkShape, SubmitDesk, type SubmitTarget } from './session-submit.ts';
import { SessionValues } from './session-values.ts';

export interface CallSessionOptions {
  messaging: Messaging;
  functions: FunctionDirectory;
  /** The last 6 characters of the ids of all calls that this session makes. */
  sessionKey: string;
  /** Called for each message to the client; sending those of one turn together is the caller's part. */
  send: (message: ServerMessage) => void;
  /** Told when inputs are on their way into a pool: the place to signal demand. */
  onSubmit?: (submission: Submission) => void;
}

type AwaitedOutputs = Pick<AwaitMessage, 'callId' | 'indexes'>;

/** Inputs on their way into a pool. */
export interface Submission {
  pool: string;
  functionId: string;
  /** Complete, with defaults filled in. */
  parameters: ClassParameters;
  /** Options that the caller replaces. */
  options?: PoolOptions | undefined;
  /** How many. */
  inputs: number;
}

const HOLD_EVERY_MS = 5_000;
/** Forgetting too early costs messages that the client ignores; remembering for ever would cost memory. */
const CALLS_REMEMBERED = 100_000;
/**
 * Subscribers hear of an output a moment before it can be read. A caller that was told, and asks again within
 * that moment, would find nothing and hear nothing.
 */
const REPLAY_AGAIN_MS = [200, 1_000, 5_000];
const LOOK_AGAIN_MS = 500;

/**
 * The server's side of the session protocol: a server has one per WebSocket, a worker one per container whose
 * code makes calls.
 *
 * Invariants
 *   S1. `accepted` is sent for an input only after JetStream has it on disk.
 *   S2. The subscription to this session's outputs is up before its first submit; that to another session's
 *       call before its stored outputs are read, and those are read again a little later. Those of an input
 *       that was accepted before are read, too. So no output is missed; some may be sent twice.
 *   S3. What a client asks for in vain is answered by `rejected` or `answer`. Only what is no message of the
 *       protocol throws, out of `receive`: the transport closes the session then.
 */
export class CallSession {
  readonly #options: CallSessionOptions;
  readonly #desk: SubmitDesk;
  readonly #own: { stop(): void };
  readonly #values: SessionValues;
  readonly #others = new Map<string, { stop(): void }>();
  readonly #forgotten = new RecentSet(CALLS_REMEMBERED);
  readonly #cancelled = new RecentSet(CALLS_REMEMBERED);
  /** Inputs per call that are not yet acknowledged by JetStream. */
  readonly #submitting = new Map<string, number>();
  /** Who waits until that is none, by call. */
  readonly #onSubmitted = new Map<string, () => void>();
  /** Inputs whose outputs are made up for, by call. */
  readonly #madeUp = new Map<string, number[]>();
  readonly #held = new Set<string>();
  #accepted: string[] = [];
  #holdTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CallSessionOptions) {
    this.#options = options;
    this.#desk = SubmitDesk.of(options.messaging);
    this.#own = options.messaging.outputs.watchSession(options.sessionKey, (output) => {
      if (!this.#forgotten.has(output.callId)) this.#forward(output);
    });
    this.#values = new SessionValues(options.messaging, options.sessionKey, (values) => {
      if (!this.#forgotten.has(values.callId)) this.#send(values);
    });
  }

  /**
   * Handles one message of the client.
   *
   * @throws InvalidError if it is no message of the protocol: close the session.
   */
  receive(message: ClientMessage): void {
    if (this.#closed) return;
    switch (message?.type) {
      case 'submit':
        void this.#submit(message);
        return;
      case 'await':
        void this.#answer(message.requestId, () => this.#await(message));
        return;
      case 'pull':
        this.#values.pull(message);
        return;
      case 'forget':
        this.#forget(message.callId);
        return;
      case 'cancel': {
        const { callId, terminateContainers = false } = message;
        void this.#answer(message.requestId, () => this.#cancel(callId, terminateContainers));
        return;
      }
      case 'callGraph': {
        const { messaging, functions } = this.#options;
        void this.#answer(message.requestId, () => readCallGraph(messaging, functions, message.callId));
        return;
      }
      case 'autoscale':
        void this.#answer(message.requestId, () => updateAutoscaler(this.#options.messaging, message));
        return;
      case 'stats':
        void this.#answer(message.requestId, () => readStats(this.#options.messaging, message));
        return;
      case 'hold':
        this.#hold(message.appId);
        return;
      case 'ping':
        this.#send({ type: 'pong' });
        return;
      default:
        throw new InvalidError(
          `a session knows no message "${String((message as { type?: unknown })?.type)}"`,
          {
            hint: 'Client and server may be of different versions.',
          },
        );
    }
  }

  /** Ends the subscriptions. Calls go on: a client finds their outputs in its next session. */
  close(): void {
    this.#closed = true;
    this.#own.stop();
    this.#values.close();
    for (const watch of this.#others.values()) watch.stop();
    this.#others.clear();
    clearInterval(this.#holdTimer);
  }

  async #submit(message: SubmitMessage): Promise<void> {
    const { callId } = message;
    let count = 0;
    try {
      if (!Array.isArray(message.inputs)) throw new InvalidError('a submit needs an array of inputs');
      count = message.inputs.length;
      this.#countSubmitting(callId, count);
      checkShape(message, this.#options.sessionKey);
      const target = await this.#desk.prepare(message, this.#options.functions);
      const { pool, parameters, options, admission } = target;
      if (this.#cancelled.has(callId)) {
        admission.dropped(count);
        throw new InputCancellation(`call "${callId}" was cancelled`);
      }
      this.#publish(target, message);
      this.#options.onSubmit?.({
        pool,
        functionId: message.functionId,
        parameters,
        ...(options && { options }),
        inputs: count,
      });
    } catch (error) {
      this.#countSubmitting(callId, -count);
      this.#reject(inputIdsOf(message), error);
    }
  }

  #publish({ pool, admission }: SubmitTarget, message: SubmitMessage): void {
    const { callId, functionId, method, parentInputId } = message;
    const stream = message.kind === 'generator' ? { stream: true as const } : undefined;
    if (stream) this.#values.open();
    if (parentInputId !== undefined) this.#options.messaging.links.add(parentInputId, callId);
    for (const { inputId, index, args } of message.inputs) {
      const input = {
        inputId,
        callId,
        index,
        functionId,
        method,
        args,
        attempt: 0,
        parentInputId,
        ...stream,
      };
      this.#options.messaging.inputs.submit(pool, input).then(
        (result) => {
          admission.stored();
          this.#countSubmitting(callId, -1);
          this.#accept(inputId);
          if (result === 'duplicate') this.#makeUp(callId, index);
        },
        (error: unknown) => {
          admission.dropped(1);
          this.#countSubmitting(callId, -1);
          this.#reject([inputId], error);
        },
      );
    }
  }

  /** An input was accepted before, but its client was not told, and perhaps neither of its output. */
  #makeUp(callId: string, index: number): void {
    const known = this.#madeUp.get(callId);
    if (known) return void known.push(index);
    const indexes = [index];
    this.#madeUp.set(callId, indexes);
    this.#replayLater({ callId, indexes }, [0, ...REPLAY_AGAIN_MS]);
  }

  // Acknowledgements that arrive in one piece resolve one after the other in this turn, and are sent as one.
  #accept(inputId: string): void {
    this.#accepted.push(inputId);
    if (this.#accepted.length > 1) return;
    queueMicrotask(() => {
      const inputIds = this.#accepted;
      this.#accepted = [];
      this.#send({ type: 'accepted', inputIds });
    });
  }

  #reject(inputIds: string[], error: unknown): void {
    this.#send({ type: 'rejected', inputIds, error: toWireError(error) });
  }

  #countSubmitting(callId: string, change: number): void {
    const count = (this.#submitting.get(callId) ?? 0) + change;
    if (count > 0) this.#submitting.set(callId, count);
    else {
      this.#submitting.delete(callId);
      this.#onSubmitted.get(callId)?.();
      this.#onSubmitted.delete(callId);
    }
  }

  /** Resolves when none of a call's inputs is on its way into the queue. */
  #submitted(callId: string): Promise<void> {
    if (!this.#submitting.has(callId)) return Promise.resolve();
    const before = this.#onSubmitted.get(callId);
    return new Promise((resolve) =>
      this.#onSubmitted.set(callId, () => {
        before?.();
        resolve();
      }),
    );
  }

  async #await(message: AwaitMessage): Promise<void> {
    const { callId } = message;
    assertCallId(callId);
    assertIndexes(message.indexes);
    this.#forgotten.delete(callId);
    const { outputs } = this.#options.messaging;
    const isOwn = callSessionKey(callId) === this.#options.sessionKey;
    if (!isOwn && !this.#others.has(callId)) {
      this.#others.set(
        callId,
        outputs.watchCall(callId, (output) => this.#forward(output)),
      );
    }
    const submitting = this.#submitting.has(callId);
    const { open, found } = await this.#look(message);
    if (open + found.size === 0 && !submitting) {
      this.#forget(callId);
      throw unknownCall(callId);
    }
    const missing = message.indexes?.filter((index) => !found.has(index));
    const isComplete = missing ? missing.length === 0 : found.size >= open && !submitting;
    if (!isComplete) this.#replayLater({ callId, indexes: missing }, [...REPLAY_AGAIN_MS]);
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
    const { outputs } = this.#options.messaging;
    const found = new Set<number>();
    const forward = (output: OutputMessage | undefined): void => {
      if (!output) return;
      found.add(output.index);
      this.#forward(output);
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

  async #cancel(callId: string, terminateContainers: boolean): Promise<void> {
    assertCallId(callId);
    // What comes from here on is refused; what is on its way must be in the queue to be found there.
    this.#cancelled.add(callId);
    await this.#submitted(callId);
    await cancelCall(this.#options.messaging, callId, terminateContainers);
  }

  #forget(callId: string): void {
    const watch = this.#others.get(callId);
    if (watch) {
      watch.stop();
      this.#others.delete(callId);
      return;
    }
    this.#forgotten.add(callId);
  }

  #hold(appId: string): void {
    if (typeof appId !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(appId)) {
      throw new InvalidError(`"${String(appId)}" is not an app id`);
    }
    this.#held.add(appId);
    this.#touchHeld();
    this.#holdTimer ??= setInterval(() => this.#touchHeld(), HOLD_EVERY_MS);
  }

  // A touch that fails is made up for by the next one: three fit into the time to live.
  #touchHeld(): void {
    for (const appId of this.#held) void this.#options.messaging.leases.touch(appId).catch(() => undefined);
  }

  async #answer(requestId: number, act: () => Promise<unknown>): Promise<void> {
    try {
      const value = await act();
      this.#send({ type: 'answer', requestId, ...(value === undefined ? {} : { value }) });
    } catch (error) {
      this.#send({ type: 'answer', requestId, error: toWireError(error) });
    }
  }

  #forward(output: OutputMessage): void {
    const { callId, inputId, index, outcome, stream } = output;
    this.#send({ type: 'output', callId, inputId, index, outcome, ...(stream && { stream }) });
  }

  #send(message: ServerMessage): void {
    if (!this.#closed) this.#options.send(message);
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

// Of a message that may be malformed in any way.
function inputIdsOf({ inputs }: SubmitMessage): string[] {
  if (!Array.isArray(inputs)) return [];
  return inputs.flatMap((input: { inputId?: unknown } | null) =>
    typeof input?.inputId === 'string' ? [input.inputId] : [],
  );
}

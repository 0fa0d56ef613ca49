import {
  type ClassParameters,
  type ClientMessage,
  InputCancellation,
  InvalidError,
  type OutputMessage,
  type PoolOptions,
  type ServerMessage,
  type SubmitMessage,
  toWireError,
} from '@gantry/protocol';

import type { FunctionDirectory } from './function-directory.ts';
import { InputsUnderWay } from './inputs-under-way.ts';
import type { Messaging } from './messaging.ts';
import { readCallGraph } from './read-call-graph.ts';
import { CALLS_REMEMBERED, RecentSet } from './recent-set.ts';
import { readStats, updateAutoscaler } from './session-autoscaler.ts';
import { assertCallId, cancelCall } from './session-calls.ts';
import { askCollections } from './session-collections.ts';
import { SessionOutputs } from './session-outputs.ts';
import { type AssertPlaceable, checkShape, SubmitDesk, type SubmitTarget } from './session-submit.ts';
import { SessionValues } from './session-values.ts';
import { settle } from './settle.ts';

export interface CallSessionOptions {
  messaging: Messaging;
  functions: FunctionDirectory;
  /** The last 6 characters of the ids of all calls that this session makes. */
  sessionKey: string;
  /** Called for each message to the client; sending those of one turn together is the caller's part. */
  send: (message: ServerMessage) => void;
  /** Asked about functions with options that the caller replaces. @defaultValue what fits on no machine waits for one */
  assertPlaceable?: AssertPlaceable | undefined;
  /** Told when inputs are on their way into a pool: the place to signal demand. */
  onSubmit?: (submission: Submission) => void;
}

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

const QUESTIONS = ['callGraph', 'autoscale', 'stats', 'collection'] as const;
/** Answered once, by what is somewhere else. */
type Question = Extract<ClientMessage, { type: (typeof QUESTIONS)[number] }>;

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
  readonly #outputs: SessionOutputs;
  readonly #values: SessionValues;
  readonly #cancelled = new RecentSet(CALLS_REMEMBERED);
  readonly #submitting = new InputsUnderWay();
  readonly #held = new Set<string>();
  #accepted: string[] = [];
  #holdTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: CallSessionOptions) {
    this.#options = options;
    this.#desk = SubmitDesk.of(options.messaging);
    const { messaging, sessionKey } = options;
    this.#outputs = new SessionOutputs({
      messaging,
      sessionKey,
      send: (output) => this.#forward(output),
      isSubmitting: (callId) => this.#submitting.has(callId),
    });
    this.#values = new SessionValues(messaging, sessionKey, (values) => {
      if (!this.#outputs.isForgotten(values.callId)) this.#send(values);
    });
  }

  /**
   * Handles one message of the client.
   *
   * @throws InvalidError if it is no message of the protocol: close the session.
   */
  receive(message: ClientMessage): void {
    if (this.#closed) return;
    if (isQuestion(message)) {
      this.#answer(message.requestId, () => this.#ask(message));
      return;
    }
    switch (message?.type) {
      case 'submit':
        void this.#submit(message);
        return;
      case 'await':
        this.#answer(message.requestId, () => this.#outputs.await(message));
        return;
      case 'pull':
        this.#values.pull(message);
        return;
      case 'forget':
        this.#outputs.forget(message.callId);
        return;
      case 'cancel': {
        const { callId, terminateContainers = false } = message;
        this.#answer(message.requestId, () => this.#cancel(callId, terminateContainers));
        return;
      }
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
    this.#outputs.close();
    this.#values.close();
    clearInterval(this.#holdTimer);
  }

  async #submit(message: SubmitMessage): Promise<void> {
    const { callId } = message;
    let count = 0;
    try {
      if (!Array.isArray(message.inputs)) throw new InvalidError('a submit needs an array of inputs');
      count = message.inputs.length;
      this.#submitting.change(callId, count);
      checkShape(message, this.#options.sessionKey);
      const { functions, assertPlaceable } = this.#options;
      const target = await this.#desk.prepare(message, functions, assertPlaceable);
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
      this.#submitting.change(callId, -count);
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
          this.#submitting.change(callId, -1);
          this.#accept(inputId);
          if (result === 'duplicate') this.#outputs.makeUp(callId, index);
        },
        (error: unknown) => {
          admission.dropped(1);
          this.#submitting.change(callId, -1);
          this.#reject([inputId], error);
        },
      );
    }
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

  async #cancel(callId: string, terminateContainers: boolean): Promise<void> {
    assertCallId(callId);
    // What comes from here on is refused; what is on its way must be in the queue to be found there.
    this.#cancelled.add(callId);
    await this.#submitting.none(callId);
    await cancelCall(this.#options.messaging, callId, terminateContainers);
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

  #ask(message: Question): unknown {
    const { messaging, functions, sessionKey } = this.#options;
    switch (message.type) {
      case 'callGraph':
        return readCallGraph(messaging, functions, message.callId);
      case 'autoscale':
        return updateAutoscaler(messaging, message);
      case 'stats':
        return readStats(messaging, message);
      case 'collection': {
        const { requestId, operation } = message;
        return askCollections(messaging, { op: `${sessionKey}${requestId}`, operation });
      }
    }
  }

  #answer(requestId: number, act: () => unknown): void {
    const answer = (value: unknown): void =>
      this.#send(value === undefined ? { type: 'answer', requestId } : { type: 'answer', requestId, value });
    const refuse = (error: unknown): void =>
      this.#send({ type: 'answer', requestId, error: toWireError(error) });
    settle(act, answer, refuse);
  }

  #forward(output: OutputMessage): void {
    const { callId, inputId, index, outcome, stream } = output;
    this.#send({ type: 'output', callId, inputId, index, outcome, ...(stream && { stream }) });
  }

  #send(message: ServerMessage): void {
    if (!this.#closed) this.#options.send(message);
  }
}

// Of a message that may be malformed in any way.
function inputIdsOf({ inputs }: SubmitMessage): string[] {
  if (!Array.isArray(inputs)) return [];
  return inputs.flatMap((input: { inputId?: unknown } | null) =>
    typeof input?.inputId === 'string' ? [input.inputId] : [],
  );
}

function isQuestion(message: ClientMessage): message is Question {
  return (QUESTIONS as readonly string[]).includes(message?.type);
}

import {
  fromWireError,
  isGantryError,
  newCallId,
  type ClientMessage,
  type GantryError,
  type Outcome,
  type PullMessage,
  type ServerMessage,
  type StreamEnd,
  type SubmitMessage,
  type WireError,
} from '@gantry/protocol';

import { CallWatch, type WatchOptions } from './call-watch.ts';
import type { Route } from './function-target.ts';
import { settleOutcome, type Waiter } from './outcome.ts';
import type { PayloadStore } from './payloads.ts';
import type { Transport, TransportListener } from './transport.ts';

type OutputOfInput = Extract<ServerMessage, { type: 'output' }>;

const FIRST_EXHAUSTED_DELAY_MS = 100;
const LONGEST_EXHAUSTED_DELAY_MS = 5_000;
/** More than this no server asks for. */
const LONGEST_ASKED_DELAY_MS = 60_000;
/** A call that has a handle has one input. */
const WATCHED_INDEX = 0;

/** An input that somebody waits for. */
export interface OpenInput {
  readonly inputId: string;
  readonly callId: string;
  readonly index: number;
  /** The message that carried it, perhaps with others; undefined once the server accepted this input. */
  submit: SubmitMessage | undefined;
  route: Route;
  readonly waiter: Waiter;
  /** Settled as soon as the input is durable, instead of when it ends. */
  readonly spawned: boolean;
  /** False for a spawned input that is one of many: another one says that no outputs are wanted. */
  readonly forgets?: boolean;
  /** How often the platform said that too much is pending; undefined to fail at the first time. */
  exhaustedTimes: number | undefined;
  /** Set once its function was looked up again. */
  rerouted: boolean;
  /** Set for a generator: gets its values and its end. */
  readonly stream?: ValueSink | undefined;
}

/** The consumer's end of a generator. */
export interface ValueSink {
  receive(message: Extract<ServerMessage, { type: 'values' }>): void;
  end(outcome: Outcome, stream: StreamEnd | undefined): void;
  /** Messages may have been lost: says again how far it is, and asks for what it lacks. */
  resume(): void;
}

/**
 * Everything a session still waits for, on top of any transport.
 *
 * Invariants
 *   C1. Each open input is in `#open` until it is settled, and is settled once: outputs of inputs that are not
 *       there are ignored.
 *   C2. Whatever is open can be said again from here alone: on every connection, inputs that were not
 *       accepted are submitted again, and calls of accepted inputs are awaited.
 *   C3. The transport is busy exactly while something is open.
 */
export class CallTracker implements TransportListener {
  readonly payloads: PayloadStore;
  readonly #transport: Transport;
  readonly #open = new Map<string, OpenInput>();
  readonly #watches = new Map<string, CallWatch>();
  readonly #requests = new Map<number, { message: ClientMessage; waiter: Waiter }>();
  /** Awaited calls by the request that named them, to know whom a failure concerns. */
  readonly #awaits = new Map<number, string>();
  readonly #held = new Map<string, number>();
  #lastRequestId = 0;
  #busy = false;

  constructor(transport: Transport, payloads: PayloadStore) {
    this.#transport = transport;
    this.payloads = payloads;
    transport.listen(this);
  }

  newCallId(): string {
    return newCallId(this.#transport.sessionKey);
  }

  /** Sends a message with one input, and waits for it. */
  submitOne(message: SubmitMessage, input: OpenInput): void {
    this.#open.set(input.inputId, input);
    if (!this.#busy) this.#updateBusy();
    this.#transport.send(message);
  }

  /** Sends a message with several inputs of one call, and waits for each. */
  submitAll(message: SubmitMessage, inputs: readonly OpenInput[]): void {
    for (const input of inputs) this.#open.set(input.inputId, input);
    this.#updateBusy();
    this.#transport.send(message);
  }

  /** Tells how far the consumer of a generator is. What is lost is said again by {@link ValueSink.resume}. */
  pull(message: PullMessage): void {
    this.#transport.send(message);
  }

  /** Stops waiting for inputs of a call and cancels them. */
  abandon(callId: string, inputIds: Iterable<string>): void {
    void this.leave(callId, inputIds);
  }

  /** Like {@link abandon}; resolves, whatever happens, once the platform took note. */
  async leave(callId: string, inputIds: Iterable<string>): Promise<void> {
    for (const inputId of inputIds) this.#open.delete(inputId);
    this.#transport.send({ type: 'forget', callId });
    // Nobody is left to tell if the cancellation fails: the inputs then end by themselves.
    await this.cancel(callId).catch(() => undefined);
  }

  /** Waits for the output of a call that this or another program started. */
  watch(callId: string, options: WatchOptions): Promise<unknown> {
    let watch = this.#watches.get(callId);
    if (!watch) {
      watch = new CallWatch(callId, () => {
        this.#watches.delete(callId);
        this.#updateBusy();
      });
      this.#watches.set(callId, watch);
      this.#updateBusy();
    }
    const result = watch.join(options);
    this.#await(callId, [WATCHED_INDEX]);
    return result;
  }

  /** Resolves once the platform took note. */
  cancel(callId: string, terminateContainers?: boolean): Promise<unknown> {
    return this.#request((requestId) => ({ type: 'cancel', requestId, callId, terminateContainers }));
  }

  /** The inputs of a call, with all that their code called. */
  callGraph(callId: string): Promise<unknown> {
    return this.#request((requestId) => ({ type: 'callGraph', requestId, callId }));
  }

  /** Sends a request, again after a reconnect, and resolves with what its answer says. */
  ask(messageOf: (requestId: number) => ClientMessage): Promise<unknown> {
    return this.#request(messageOf);
  }

  /** Keeps an ephemeral app alive until the returned function is called. */
  hold(appId: string): () => void {
    this.#held.set(appId, (this.#held.get(appId) ?? 0) + 1);
    this.#updateBusy();
    this.#transport.send({ type: 'hold', appId });
    return () => {
      const left = (this.#held.get(appId) ?? 1) - 1;
      if (left === 0) this.#held.delete(appId);
      else this.#held.set(appId, left);
      this.#updateBusy();
    };
  }

  onConnect(): void {
    this.#awaits.clear();
    const submits = new Set<SubmitMessage>();
    const accepted = new Map<string, number[]>();
    for (const callId of this.#watches.keys()) accepted.set(callId, [WATCHED_INDEX]);
    for (const { submit, callId, index } of this.#open.values()) {
      if (submit) submits.add(submit);
      else if (!accepted.get(callId)?.push(index)) accepted.set(callId, [index]);
    }
    for (const submit of submits) this.#transport.send(submit);
    for (const [callId, indexes] of accepted) this.#await(callId, indexes);
    for (const input of this.#open.values()) input.stream?.resume();
    for (const { message } of this.#requests.values()) this.#transport.send(message);
    for (const appId of this.#held.keys()) this.#transport.send({ type: 'hold', appId });
  }

  onMessage(message: ServerMessage): void {
    switch (message.type) {
      case 'output':
        return this.#output(message);
      case 'values':
        return this.#open.get(message.inputId)?.stream?.receive(message);
      case 'accepted':
        for (const inputId of message.inputIds) this.#accepted(inputId);
        return;
      case 'rejected':
        for (const inputId of message.inputIds) this.#rejected(inputId, fromWireError(message.error));
        return;
      case 'answer':
        return this.#answered(message.requestId, message.error, message.value);
    }
  }

  onFailure(error: GantryError): void {
    const waiters = [
      ...[...this.#open.values()].map((input) => input.waiter),
      ...[...this.#requests.values()].map((request) => request.waiter),
    ];
    this.#open.clear();
    this.#requests.clear();
    this.#held.clear();
    for (const waiter of waiters) waiter.reject(error);
    for (const watch of [...this.#watches.values()]) watch.fail(error);
    this.#updateBusy();
  }

  #output({ callId, inputId, index, outcome, stream }: OutputOfInput): void {
    const input = this.#open.get(inputId);
    if (input && !input.spawned) {
      this.#settled(input);
      if (input.stream) input.stream.end(outcome, stream);
      else settleOutcome(outcome, input.waiter, this.payloads);
      return;
    }
    if (input) this.#accepted(inputId);
    if (index === WATCHED_INDEX) this.#watches.get(callId)?.settle(outcome, this.payloads);
  }

  #accepted(inputId: string): void {
    const input = this.#open.get(inputId);
    if (!input) return;
    input.submit = undefined;
    if (!input.spawned) return;
    this.#settled(input);
    // Whoever wants its output asks for it; until then it need not travel.
    if (input.forgets !== false) this.#transport.send({ type: 'forget', callId: input.callId });
    input.waiter.resolve(undefined);
  }

  #rejected(inputId: string, error: GantryError): void {
    const input = this.#open.get(inputId);
    if (!input?.submit) return;
    if (isGantryError(error, 'NOT_FOUND') && !input.rerouted) return this.#reroute(input, error);
    if (isGantryError(error, 'RESOURCE_EXHAUSTED') && input.exhaustedTimes !== undefined) {
      const ownMs = Math.min(
        FIRST_EXHAUSTED_DELAY_MS * 2 ** input.exhaustedTimes++,
        LONGEST_EXHAUSTED_DELAY_MS,
      );
      return this.#submitLater(input, Math.max(ownMs, askedDelayMs(error)));
    }
    this.#fail(input, error);
  }

  // The function was perhaps deployed anew under another id since it was looked up.
  #reroute(input: OpenInput, error: GantryError): void {
    input.rerouted = true;
    const { target, lookup } = input.route;
    target.refresh(input.route).then(
      (route) => {
        if (route.lookup.functionId === lookup.functionId || !input.submit) return this.#fail(input, error);
        input.route = route;
        const { functionId } = route.lookup;
        this.#submitAgain(input, { ...input.submit, functionId, parameters: route.parameters });
      },
      (failure: unknown) => this.#fail(input, failure),
    );
  }

  #submitLater(input: OpenInput, delayMs: number): void {
    setTimeout(() => {
      if (input.submit) this.#submitAgain(input, input.submit);
    }, delayMs);
  }

  #submitAgain(input: OpenInput, submit: SubmitMessage): void {
    if (!this.#open.has(input.inputId)) return;
    // It may have come with others, which the server accepted.
    const inputs = submit.inputs.filter((submitted) => submitted.inputId === input.inputId);
    input.submit = { ...submit, inputs };
    this.#transport.send(input.submit);
  }

  #fail(input: OpenInput, error: unknown): void {
    if (!this.#open.has(input.inputId)) return;
    this.#settled(input);
    input.waiter.reject(error);
  }

  #settled(input: OpenInput): void {
    this.#open.delete(input.inputId);
    this.#updateBusy();
  }

  #request(messageOf: (requestId: number) => ClientMessage): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const requestId = ++this.#lastRequestId;
      const message = messageOf(requestId);
      this.#requests.set(requestId, { message, waiter: { resolve, reject } });
      this.#updateBusy();
      this.#transport.send(message);
    });
  }

  #await(callId: string, indexes: number[]): void {
    const requestId = ++this.#lastRequestId;
    this.#awaits.set(requestId, callId);
    this.#transport.send({ type: 'await', requestId, callId, indexes });
  }

  #answered(requestId: number, wireError: WireError | undefined, value?: unknown): void {
    const request = this.#requests.get(requestId);
    if (request) {
      this.#requests.delete(requestId);
      this.#updateBusy();
      if (wireError) request.waiter.reject(fromWireError(wireError));
      else request.waiter.resolve(value);
      return;
    }
    const callId = this.#awaits.get(requestId);
    this.#awaits.delete(requestId);
    if (callId === undefined) return;
    if (!wireError) return this.#watches.get(callId)?.polled();
    const error = fromWireError(wireError);
    for (const input of [...this.#open.values()]) if (input.callId === callId) this.#fail(input, error);
    this.#watches.get(callId)?.fail(error);
  }

  #updateBusy(): void {
    const busy =
      this.#open.size > 0 || this.#requests.size > 0 || this.#watches.size > 0 || this.#held.size > 0;
    if (busy === this.#busy) return;
    this.#busy = busy;
    this.#transport.setBusy(busy);
  }
}

/** How long a rejection asks to wait, if it says so. */
function askedDelayMs({ details }: GantryError): number {
  const { retryAfterMs } = details as { retryAfterMs?: unknown };
  if (typeof retryAfterMs !== 'number' || !(retryAfterMs > 0)) return 0;
  return Math.min(retryAfterMs, LONGEST_ASKED_DELAY_MS);
}

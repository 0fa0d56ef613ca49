import {
  decodeFrame,
  InternalFailure,
  newId,
  payloadBytes,
  STREAM_WINDOW,
  type Outcome,
  type Payload,
  type ServerMessage,
  type StreamEnd,
  type SubmitMessage,
} from '@gantry/protocol';

import type { OpenInput, ValueSink } from './call-tracker.ts';
import type { Route } from './function-target.ts';
import { settleOutcome, type Waiter } from './outcome.ts';
import { watchForStalls } from './stall-watch.ts';

/** How to start a generator. */
export interface GeneratorPlan {
  route(): Promise<Route>;
  /** Encoded argument list. */
  args: Uint8Array;
  submitMessage(route: Route, callId: string): SubmitMessage;
}

/** How long leaving waits for a platform that does not answer. */
const LEAVING_MS = 2_000;

interface StartedCall {
  route: Route;
  callId: string;
  inputId: string;
}

type NextResult<Y, T> = IteratorResult<Y, T | undefined>;
type NextWaiter<Y, T> = { resolve(result: NextResult<Y, T>): void; reject(error: unknown): void };

/**
 * The values of a generator that runs in a container. Nothing happens before the first value is asked for.
 *
 * Invariants
 *   N1. `#buffer` holds the values from `#taken` on, without gaps or repetitions, whatever arrives how often.
 *   N2. The producer hears how far the consumer is, not what has merely arrived: so a consumer that pauses
 *       makes it pause.
 *   N3. The end, good or bad, comes after the last value; after it, or after leaving, there are no more.
 */
export class RemoteValues<Y, T> implements AsyncGenerator<Y, T | undefined, void>, ValueSink {
  readonly #plan: GeneratorPlan;
  readonly #buffer: Payload[] = [];
  readonly #waiting: NextWaiter<Y, T>[] = [];
  #state: 'idle' | 'started' | 'over' = 'idle';
  #call: StartedCall | undefined;
  #taken = 0;
  #untoldValues = 0;
  #untoldBytes = 0;
  #source: string | undefined;
  /** A gap was seen, and what is missing asked for. */
  #isAsking = false;
  #end: { outcome: Outcome } | { error: unknown } | undefined;
  #unwatch: () => void = () => undefined;

  constructor(plan: GeneratorPlan) {
    this.#plan = plan;
  }

  next(): Promise<NextResult<Y, T>> {
    if (this.#state === 'over') return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#state === 'idle') void this.#start();
      else this.#deliver();
    });
  }

  /** Ends the generator, wherever it is: its `finally` blocks run in its container. */
  async return(value?: T | PromiseLike<T>): Promise<NextResult<Y, T>> {
    await this.#leave();
    return { done: true, value: await value };
  }

  async throw(error: unknown): Promise<NextResult<Y, T>> {
    await this.#leave();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#leave();
  }

  receive({ first, values, source }: Extract<ServerMessage, { type: 'values' }>): void {
    const missing = first - this.#received;
    if (missing > 0) {
      if (!this.#isAsking) this.resume();
      this.#isAsking = true;
      return;
    }
    this.#source = source;
    this.#isAsking = false;
    for (const value of values.slice(-missing)) this.#buffer.push(value);
    // The generator started anew: it learns that it need not wait for values which are here already.
    if (missing < 0) this.#tell();
    this.#deliver();
  }

  end(outcome: Outcome, stream: StreamEnd | undefined): void {
    this.#unwatch();
    if (!stream) return this.#endWith({ outcome });
    const { first, tail } = stream;
    if (Array.isArray(tail)) return this.#endAfter(first, tail, outcome);
    const payloads = this.#call?.route.platform.tracker.payloads;
    payloads?.load(tail.blob).then(
      (bytes) => this.#endAfter(first, decodeFrame<Payload[]>(bytes), outcome),
      (error: unknown) => this.#endWith({ error }),
    );
  }

  resume(): void {
    this.#tell(this.#received);
  }

  get #received(): number {
    return this.#taken + this.#buffer.length;
  }

  async #start(): Promise<void> {
    this.#state = 'started';
    try {
      const route = await this.#plan.route();
      const { tracker } = route.platform;
      const args = await tracker.payloads.store(this.#plan.args);
      if (this.#isOver()) return;
      this.#submit(route, args);
    } catch (error) {
      this.#endWith({ error });
    }
  }

  #submit(route: Route, args: Payload): void {
    const { tracker } = route.platform;
    const callId = tracker.newCallId();
    const inputId = newId('in');
    const submit = this.#plan.submitMessage(route, callId);
    submit.inputs.push({ inputId, index: 0, args });
    this.#call = { route, callId, inputId };
    const input: OpenInput = {
      ...{ inputId, callId, index: 0, submit, route },
      waiter: { resolve: () => undefined, reject: (error) => this.#endWith({ error }) },
      stream: this,
      spawned: false,
      exhaustedTimes: undefined,
      rerouted: false,
    };
    this.#unwatch = watchForStalls({
      progress: () => this.#received,
      isWaiting: () => this.#waiting.length > 0,
      resume: () => this.resume(),
      greet: () => this.#tell(),
    });
    tracker.submitOne(submit, input);
  }

  #deliver(): void {
    while (this.#waiting.length > 0 && !this.#isOver()) {
      const payload = this.#buffer.shift();
      if (payload !== undefined) this.#hand(payload);
      else if (this.#end) this.#finish(this.#end);
      else return;
    }
  }

  #hand(payload: Payload): void {
    const waiter = this.#waiting.shift();
    this.#taken++;
    this.#untoldValues++;
    this.#untoldBytes += payloadBytes(payload);
    const { creditEveryValues, creditEveryBytes } = STREAM_WINDOW;
    const isDue = this.#untoldValues >= creditEveryValues || this.#untoldBytes >= creditEveryBytes;
    if (isDue && !this.#end) this.#tell();
    this.#settle(
      { type: 'value', value: payload },
      {
        resolve: (value) => waiter?.resolve({ done: false, value: value as Y }),
        reject: (error) => {
          void this.#leave();
          waiter?.reject(error);
        },
      },
    );
  }

  #finish(end: { outcome: Outcome } | { error: unknown }): void {
    this.#state = 'over';
    this.#unwatch();
    const waiter = this.#waiting.shift();
    this.#endWaiting();
    if ('error' in end) return waiter?.reject(end.error);
    this.#settle(end.outcome, {
      resolve: (value) => waiter?.resolve({ done: true, value: value as T }),
      reject: (error) => waiter?.reject(error),
    });
  }

  #settle(outcome: Outcome, waiter: Waiter): void {
    const payloads = this.#call?.route.platform.tracker.payloads;
    if (payloads) settleOutcome(outcome, waiter, payloads);
  }

  #endAfter(first: number, tail: readonly Payload[], outcome: Outcome): void {
    const known = this.#received - first;
    if (known < 0 && tail.length > 0) {
      const what = `values ${this.#received} to ${first - 1} of the call "${this.#call?.callId}" are missing`;
      return this.#endWith({ error: new InternalFailure(what) });
    }
    for (const value of tail.slice(Math.max(known, 0))) this.#buffer.push(value);
    this.#endWith({ outcome });
  }

  #endWith(end: { outcome: Outcome } | { error: unknown }): void {
    this.#unwatch();
    this.#end ??= end;
    this.#deliver();
  }

  // Waits for the platform to take note: a program that ends after the loop would take the cancellation with it.
  async #leave(): Promise<void> {
    if (this.#isOver()) return;
    const call = this.#end ? undefined : this.#call;
    this.#state = 'over';
    this.#unwatch();
    this.#buffer.length = 0;
    this.#endWaiting();
    if (!call) return;
    const left = call.route.platform.tracker.leave(call.callId, [call.inputId]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isLate = new Promise<void>((resolve) => (timer = setTimeout(resolve, LEAVING_MS)));
    await Promise.race([left, isLate]);
    clearTimeout(timer);
  }

  #endWaiting(): void {
    for (const waiter of this.#waiting.splice(0)) waiter.resolve({ done: true, value: undefined });
  }

  #tell(againFrom?: number): void {
    if (!this.#call || this.#end) return;
    this.#untoldValues = 0;
    this.#untoldBytes = 0;
    const { callId, route } = this.#call;
    // Who lacks something may have lost sight of its worker too: then all of them are told.
    const source = againFrom === undefined ? this.#source : undefined;
    route.platform.tracker.pull({ type: 'pull', callId, taken: this.#taken, source, againFrom });
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }
}

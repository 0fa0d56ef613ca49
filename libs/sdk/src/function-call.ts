import { InvalidError, isGantryError, isId, registerType, type InputInfo } from '@gantry/protocol';

import type { Client } from './client.ts';
import { checkKeys } from './option-checks.ts';
import { defaultPlatform } from './default-platform.ts';
import type { Platform } from './platform.ts';

export interface GetOptions {
  /** How long to wait; 0 asks once. @defaultValue for ever */
  timeoutMs?: number;
  /** Stops the waiting, not the call. */
  signal?: AbortSignal;
}

export interface CancelOptions {
  /** Also end the containers that run its inputs; other inputs on them run again elsewhere. @defaultValue false */
  terminateContainers?: boolean;
}

type ResultsOf<T extends readonly FunctionCall<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends FunctionCall<infer R> ? R : never;
};

// Not a field: a call that is passed as an argument arrives without it, and then uses the default platform.
const platforms = new WeakMap<FunctionCall<unknown>, Platform>();

/**
 * A call that goes on by itself. Its id may be stored, and opened again in another program for 7 days after
 * the call ended.
 *
 * @example
 * ```ts
 * const call = await square.spawn(3);
 * const result = await FunctionCall.fromId<number>(call.id).get({ timeoutMs: 5_000 });
 * ```
 */
export class FunctionCall<R = unknown> {
  /** `fc-` and 22 letters and digits. */
  readonly id: string;

  private constructor(id: string) {
    this.id = id;
  }

  /** @internal */
  static on<R>(platform: Platform, id: string): FunctionCall<R> {
    const call = new FunctionCall<R>(id);
    platforms.set(call, platform);
    return call;
  }

  /**
   * Opens a call by its id; whether it exists shows at the first use.
   *
   * @throws {@link InvalidError} if the text is no call id.
   */
  static fromId<R = unknown>(id: string, options: { client?: Client } = {}): FunctionCall<R> {
    if (typeof id !== 'string' || !isId(id, 'fc')) {
      throw new InvalidError(`${JSON.stringify(id) ?? String(id)} is no call id`, {
        hint: 'Call ids start with "fc-".',
      });
    }
    const call = new FunctionCall<R>(id);
    if (options.client) platforms.set(call, options.client.platform);
    return call;
  }

  /**
   * Waits for several calls; their results come in the order of the arguments.
   *
   * @throws What the first call that fails throws; {@link InvalidError} if an argument is no call.
   */
  static async gather<T extends readonly FunctionCall<unknown>[]>(...calls: T): Promise<ResultsOf<T>> {
    for (const [at, call] of calls.entries()) assertCall(at + 1, call);
    return (await Promise.all(calls.map((call) => call.get()))) as ResultsOf<T>;
  }

  /**
   * Waits for the result. Giving up does not end the call, and the result can be asked for again.
   *
   * @throws {@link GantryTimeoutError} if the call has not ended in time, {@link OutputExpiredError} 7 days
   * after it ended, the signal's reason, or what the function threw.
   */
  async get(options: GetOptions = {}): Promise<R> {
    checkKeys('FunctionCall.get', options, ['timeoutMs', 'signal']);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
      const shown = typeof timeoutMs === 'string' ? `"${String(timeoutMs)}"` : String(timeoutMs);
      throw new InvalidError(`timeoutMs must be a number of at least 0, not ${shown}`);
    }
    return (await platformOf(this).tracker.watch(this.id, options)) as R;
  }

  /** The same as {@link id}; every object of the platform has it. */
  get objectId(): string {
    return this.id;
  }

  /**
   * Checks now that the call exists.
   *
   * @throws {@link NotFoundError} if it does not, {@link OutputExpiredError} 7 days after it ended.
   */
  async hydrate(): Promise<this> {
    try {
      await this.getCallGraph();
    } catch (error) {
      // A graph too large to show is one of a call that exists.
      if (!isGantryError(error, 'RESOURCE_EXHAUSTED')) throw error;
    }
    return this;
  }

  /**
   * The inputs of this call, each with its state and with the inputs of the calls that its code made. Kept for
   * 7 days.
   *
   * @throws {@link NotFoundError} for a call that does not exist.
   */
  async getCallGraph(): Promise<InputInfo[]> {
    return (await platformOf(this).tracker.callGraph(this.id)) as InputInfo[];
  }

  /** Ends the call: its inputs are aborted, and whoever waits gets an `InputCancellation`. */
  async cancel(options: CancelOptions = {}): Promise<void> {
    checkKeys('FunctionCall.cancel', options, ['terminateContainers']);
    await platformOf(this).tracker.cancel(this.id, options.terminateContainers);
  }
}

function assertCall(position: number, call: unknown): void {
  // Not `instanceof`: it may come from another copy of this module.
  const { get, then } = (call ?? {}) as { get?: unknown; then?: unknown };
  if (typeof get === 'function') return;
  const hint = Array.isArray(call)
    ? 'Spread the list: FunctionCall.gather(...calls).'
    : typeof then === 'function'
      ? 'Wait until it is there: await square.spawn(3).'
      : 'Pass what `spawn` or `FunctionCall.fromId` gave.';
  throw new InvalidError(`argument ${position} of FunctionCall.gather is no call`, { hint });
}

function platformOf(call: FunctionCall<unknown>): Platform {
  return platforms.get(call) ?? defaultPlatform();
}

registerType('gantry.FunctionCall', FunctionCall as unknown as new () => FunctionCall);

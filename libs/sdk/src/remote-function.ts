import {
  type AutoscalerSettings,
  HANDLE,
  type HandleState,
  ExecutionError,
  type FunctionStats,
  registerHandle,
  type PoolOptions,
  type UserCodeError,
} from '@gantry/protocol';

import { asSingle, type WithBatching } from './batched.ts';
import type { Client } from './client.ts';
import { FunctionCall } from './function-call.ts';
import { FunctionCaller, type Callee } from './function-caller.ts';
import { assertHandleNames, FunctionTarget, type TargetReference } from './function-target.ts';
import type { Generated, Generating, Plain } from './generator-types.ts';
import { readStats, updateAutoscaler } from './live-settings.ts';
import {
  argumentLists,
  splitMapArguments,
  type Leading,
  type MapInputs,
  type WithKwargs,
} from './map-arguments.ts';
import type { MapOptions } from './map-run.ts';
import { checkKeys } from './option-checks.ts';
import type { BatchedOptions, ConcurrentOptions } from './options.ts';
import {
  replaceBatching,
  replaceConcurrency,
  replaceOptions,
  type ReplaceableOptions,
} from './pool-options.ts';
import type { AnyFunction } from './registry.ts';
import { startedWhenRead } from './unread-results.ts';
import type { AnyIterable } from './zip.ts';

export interface ForEachOptions {
  /** Go on after failures, and forget them. @defaultValue false */
  ignoreExceptions?: boolean;
  /** Ends the waiting with its reason, and cancels what is left. */
  signal?: AbortSignal;
}

const MAP_OPTIONS = ['orderOutputs', 'returnExceptions', 'signal'];

export interface FromNameOptions {
  /** @defaultValue the client's environment */
  environment?: string;
  /** @defaultValue `Client.default()`, or the worker inside a container */
  client?: Client;
}

/** The handle type for a handle type or for a plain function type. */
export type HandleOf<T> =
  T extends RemoteFunction<infer A, infer R>
    ? RemoteFunction<A, R>
    : T extends (...args: infer A) => infer R
      ? RemoteFunction<A, R>
      : never;

/** @internal */
export interface RemoteFunctionOptions extends Callee {
  /** Takes what callers pass. Undefined for functions whose code is not here. */
  local?: AnyFunction | undefined;
  /** Takes what the code itself takes: lists, if it is batched. */
  body?: AnyFunction | undefined;
  /** The function as it was written. */
  raw?: AnyFunction | undefined;
}

/**
 * The handle of a function or method that runs in containers. `app.function`, `app.instance` and `fromName`
 * make handles; nothing is looked up before the first use.
 *
 * Every way of calling may fail with: {@link NotFoundError} (not deployed), {@link ConnectionError} and
 * {@link AuthError} (server), {@link SerializationError} and {@link RequestSizeError} (arguments),
 * {@link FunctionTimeoutError}, {@link ContainerError}, and whatever the function throws, with its remote
 * stack.
 */
export class RemoteFunction<A extends unknown[] = unknown[], R = unknown, TLocal = R> {
  readonly #options: RemoteFunctionOptions;
  readonly #caller: FunctionCaller;

  /** @internal */
  constructor(options: RemoteFunctionOptions) {
    this.#options = options;
    this.#caller = new FunctionCaller(options);
  }

  /**
   * A handle on a function of a deployed app, from any program.
   *
   * @example
   * ```ts
   * import type { square } from './maths.ts';
   * const remoteSquare = RemoteFunction.fromName<typeof square>('maths', 'square');
   * ```
   */
  static fromName<T extends object = RemoteFunction>(
    app: string,
    name: string,
    options: FromNameOptions = {},
  ): HandleOf<T> {
    checkKeys('RemoteFunction.fromName', options, ['environment', 'client']);
    assertHandleNames('function', { app, name, environment: options.environment });
    const target = new FunctionTarget({
      name,
      kind: 'function',
      apps: () => [app],
      environment: options.environment,
      platform: options.client?.platform,
    });
    return new RemoteFunction({ label: name, target, method: '' }) as unknown as HandleOf<T>;
  }

  /** @internal As an argument or result it arrives as a handle on the same function, or method of an instance. */
  [HANDLE](): HandleState {
    const { label, method, target } = this.#options;
    return { kind: 'gantry.RemoteFunction', state: { label, method, target: target.reference } };
  }

  /** How messages name the function. */
  get name(): string {
    return this.#options.label;
  }

  /** Runs the function in a container and waits for its result. Not for generators. */
  remote(this: Plain<R, RemoteFunction<A, R, TLocal>>, ...args: A): Promise<Awaited<R>>;
  remote(...args: A): Promise<Awaited<R>> {
    return this.#caller.remote(args) as Promise<Awaited<R>>;
  }

  /**
   * Runs a generator in a container: its values arrive one by one, in order, while it runs. It starts when the
   * first value is asked for, is at most 64 values (or 1 MiB) ahead of the loop, and ends, `finally` blocks
   * included, when the loop is left. If its container is lost it runs anew, and values that were taken are
   * skipped: so it should yield the same values for the same arguments.
   *
   * @example
   * ```ts
   * for await (const line of readLines.remoteGen('a.txt')) console.log(line);
   * ```
   */
  remoteGen(this: Generating<R, RemoteFunction<A, R, TLocal>>, ...args: A): Generated<R>;
  remoteGen(...args: A): Generated<R> {
    return this.#caller.values(args) as unknown as Generated<R>;
  }

  /** Runs the function here, as a plain call. */
  local(...args: A): TLocal {
    return this.#present('local')(...(args as unknown[] as never[])) as TLocal;
  }

  /**
   * The function as it was written, below everything that Gantry put around it; of a method, not bound to an
   * instance.
   *
   * @throws {@link ExecutionError} where the code is not in this program.
   */
  get rawFunction(): (...args: A) => TLocal {
    return this.#present('raw') as unknown as (...args: A) => TLocal;
  }

  /** Starts the function and returns as soon as its input is durable. Not for generators. */
  spawn(this: Plain<R, RemoteFunction<A, R, TLocal>>, ...args: A): Promise<FunctionCall<Awaited<R>>>;
  async spawn(...args: A): Promise<FunctionCall<Awaited<R>>> {
    const { platform, callId } = await this.#caller.spawn(args);
    return FunctionCall.on(platform, callId);
  }

  /**
   * Runs the function for many inputs: one iterable, sync or async, for each parameter, read as far as needed;
   * the shortest ends it. At most 1,000 inputs are in flight. The first failure ends the iteration, unless
   * `returnExceptions` is set; that, and leaving the loop, cancels what is left. `kwargs` is the last argument of
   * every call. Nothing runs before the first result is asked for.
   *
   * @example
   * ```ts
   * for await (const y of square.map([1, 2, 3])) console.log(y);
   * for await (const y of fetchPage.map(urls, { orderOutputs: false, returnExceptions: true })) { … }
   * for await (const y of resize.map(pictures, { kwargs: { width: 200 } })) { … }
   * ```
   */
  map(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<A>, options: MapOptions & { returnExceptions: true }]
  ): AsyncIterable<Awaited<R> | UserCodeError>;
  map(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<A>, options?: MapOptions]
  ): AsyncIterable<Awaited<R>>;
  map(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [
      ...iterables: MapInputs<Leading<A>>,
      options: MapOptions & WithKwargs<A> & { returnExceptions: true },
    ]
  ): AsyncIterable<Awaited<R> | UserCodeError>;
  map(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<Leading<A>>, options: MapOptions & WithKwargs<A>]
  ): AsyncIterable<Awaited<R>>;
  map(...args: unknown[]): AsyncIterable<unknown> {
    const { inputs, options } = splitMapArguments('map', args, MAP_OPTIONS);
    return startedWhenRead(`${this.name}.map`, () => this.#caller.map(inputs, options));
  }

  /** Like {@link map}, with one iterable of argument lists. */
  starmap(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    argLists: AnyIterable<A>,
    options: MapOptions & { returnExceptions: true },
  ): AsyncIterable<Awaited<R> | UserCodeError>;
  starmap(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    argLists: AnyIterable<A>,
    options?: MapOptions,
  ): AsyncIterable<Awaited<R>>;
  starmap(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    argLists: AnyIterable<Leading<A>>,
    options: MapOptions & WithKwargs<A> & { returnExceptions: true },
  ): AsyncIterable<Awaited<R> | UserCodeError>;
  starmap(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    argLists: AnyIterable<Leading<A>>,
    options: MapOptions & WithKwargs<A>,
  ): AsyncIterable<Awaited<R>>;
  starmap(
    argLists: AnyIterable<readonly unknown[]>,
    options: MapOptions & { kwargs?: unknown } = {},
  ): AsyncIterable<unknown> {
    checkKeys('starmap', options, [...MAP_OPTIONS, 'kwargs']);
    const inputs = argumentLists(argLists, options.kwargs);
    return startedWhenRead(`${this.name}.starmap`, () => this.#caller.map(inputs, options));
  }

  /**
   * Like {@link map} for functions without a result: waits until all have ended. The first failure ends it, and
   * cancels what is left, unless `ignoreExceptions` is set.
   */
  forEach(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<A>, options?: ForEachOptions]
  ): Promise<void>;
  forEach(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<Leading<A>>, options: ForEachOptions & WithKwargs<A>]
  ): Promise<void>;
  async forEach(...args: unknown[]): Promise<void> {
    const { inputs, options } = splitMapArguments('forEach', args, ['ignoreExceptions', 'signal']);
    const { ignoreExceptions = false, ...others } = options as ForEachOptions;
    const results = this.#caller.map(inputs, {
      ...others,
      orderOutputs: false,
      returnExceptions: ignoreExceptions,
    });
    for await (const _ of results);
  }

  /**
   * Starts the function for many inputs, given like those of {@link map}, and returns as soon as all of them are
   * durable. Their results are not kept for the caller: the function stores what it finds out.
   *
   * @example
   * ```ts
   * await index.spawnMap(urls); // up to a million may wait
   * ```
   */
  spawnMap(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<A>]
  ): Promise<void>;
  spawnMap(
    this: Plain<R, RemoteFunction<A, R, TLocal>>,
    ...args: [...iterables: MapInputs<Leading<A>>, options: WithKwargs<A>]
  ): Promise<void>;
  async spawnMap(...args: unknown[]): Promise<void> {
    const { inputs } = splitMapArguments('spawnMap', args, []);
    await this.#caller.spawnMap(inputs);
  }

  /**
   * Looks the function up now instead of at the first call.
   *
   * @throws {@link NotFoundError} if it is not deployed.
   */
  async hydrate(): Promise<this> {
    await this.#options.target.resolve();
    return this;
  }

  /**
   * Id of the function or class, `fu-…`.
   *
   * @throws {@link ExecutionError} before it was looked up.
   */
  get objectId(): string {
    return this.#options.target.objectId;
  }

  /**
   * The HTTPS address of an endpoint, null for a function that is none.
   *
   * @throws {@link NotFoundError} if it is not deployed.
   */
  async getWebUrl(): Promise<string | null> {
    const { lookup } = await this.#options.target.resolve();
    return lookup.urls[this.#options.method] ?? null;
  }

  /**
   * Changes how many containers the function has, without a deploy, until the next deploy of its app. What is
   * left out keeps its present value. For a method of an instance it concerns the containers of that instance.
   *
   * @throws {@link InvalidError} on settings out of range, or more `minContainers` than `maxContainers`.
   *
   * @example
   * ```ts
   * await square.updateAutoscaler({ minContainers: 2, bufferContainers: 1 });
   * ```
   */
  async updateAutoscaler(settings: AutoscalerSettings): Promise<void> {
    await updateAutoscaler(this.#options.target, settings);
  }

  /** How much waits and runs at this moment. */
  async getCurrentStats(): Promise<FunctionStats> {
    return readStats(this.#options.target);
  }

  /**
   * The function with other options, for the calls made through the new handle: they get containers of their own.
   * This handle stays as it is; repeated calls add up, the later one wins.
   *
   * @throws {@link InvalidError} on options out of range, and on those that only the code itself may set, such as
   * `minContainers`.
   *
   * @example
   * ```ts
   * const big = resize.withOptions({ memoryMiB: 4_096, timeoutMs: 600_000 }).withConcurrency({ maxInputs: 8 });
   * ```
   */
  withOptions(options: ReplaceableOptions): RemoteFunction<A, R, TLocal> {
    return this.#with(replaceOptions(this.#options.target.replaced, options));
  }

  /** Like {@link withOptions}, for what `concurrent` says. */
  withConcurrency(options: ConcurrentOptions): RemoteFunction<A, R, TLocal> {
    return this.#with(replaceConcurrency(this.#options.target.replaced, options));
  }

  /**
   * Like {@link withOptions}, for what `batched` says: only for a function that takes lists and returns one. Callers
   * pass single values.
   */
  withBatching(options: BatchedOptions): WithBatching<A, R, TLocal> {
    const { body, label, target } = this.#options;
    const local = body && asSingle(label, body);
    return this.#with(replaceBatching(target.replaced, options), local) as unknown as WithBatching<
      A,
      R,
      TLocal
    >;
  }

  #with(replaced: PoolOptions, local = this.#options.local): RemoteFunction<A, R, TLocal> {
    const { method, target, body, raw } = this.#options;
    const before = this.#options;
    return new RemoteFunction<A, R, TLocal>({
      // A getter: without a build step the function is named later, by `app.run`.
      get label() {
        return before.label;
      },
      ...{ method, target: target.replacing(replaced), local, body, raw },
    });
  }

  #present(what: 'local' | 'raw'): AnyFunction {
    const code = this.#options[what];
    if (code) return code;
    throw new ExecutionError(`the code of "${this.name}" is not in this program`, {
      hint: 'Call .remote(), or import the function itself.',
    });
  }
}

registerHandle(
  'gantry.RemoteFunction',
  (state: { label: string; method: string; target: TargetReference }) => {
    return new RemoteFunction({ ...state, target: FunctionTarget.to(state.target) });
  },
);

import { HANDLE, InvalidError, registerHandle, type HandleState, type PoolOptions } from '@gantry/protocol';

import { asSingle, type TakesBatches, type Unbatched } from './batched.ts';
import { FunctionTarget, type TargetReference } from './function-target.ts';
import type { LocalResult } from './generator-types.ts';
import type { LocalInstance } from './local-instance.ts';
import type { BatchedOptions, ConcurrentOptions } from './options.ts';
import {
  replaceBatching,
  replaceConcurrency,
  replaceOptions,
  type ReplaceableOptions,
} from './pool-options.ts';
import type { AnyFunction, ClassRegistration } from './registry.ts';
import { RemoteFunction, type HandleOf } from './remote-function.ts';

/** What a class parameter may be. */
export type ParameterValue = string | number | bigint | boolean | Uint8Array;

/** Values for the `@parameter()` fields of a class, by name. Fields with an initial value may be left out. */
export type InstanceParameters<T> = {
  [K in keyof T as NonNullable<T[K]> extends ParameterValue ? K : never]?: Exclude<T[K], undefined>;
};

/** The same parameters with other options: see `RemoteFunction.withOptions`. */
export interface ReplacingOptions<T> {
  withOptions(options: ReplaceableOptions): Instance<T>;
  /** For what `@concurrent` says. */
  withConcurrency(options: ConcurrentOptions): Instance<T>;
  /** For what `@batched` says; only for a class with a single method, which takes lists. */
  withBatching(options: BatchedOptions): Instance<T>;
}

/** A class's containers with given parameters: each of its methods as a handle. */
export type Instance<T> = ReplacingOptions<T> & {
  readonly [K in keyof T as T[K] extends (...args: never[]) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? TakesBatches<A> extends true
      ? HandleOf<Unbatched<T[K]>>
      : RemoteFunction<A, R, LocalResult<R>>
    : never;
};

/** @internal */
export interface InstanceOptions {
  className: string;
  target: FunctionTarget;
  /** Known only where the class's code is. */
  methods?: ClassRegistration['methods'] | undefined;
  local?: LocalInstance | undefined;
}

/** Makes the handle: a proxy, because the methods of a remote class are not known before it is looked up. */
export function makeInstance<T>(options: InstanceOptions): Instance<T> {
  const handles = new Map<string, RemoteFunction>();
  const replacements = replacementsOf<T>(options);
  const proxy = new Proxy(Object.create(null) as object, {
    get(_, key) {
      if (key === HANDLE) return () => travelling(options);
      const replacing = replacements.get(key);
      if (replacing) return replacing;
      // `then` would make the instance a promise to `await`; no method is called `constructor`.
      if (key === 'constructor') return undefined;
      if (typeof key !== 'string' || key === 'then' || key === 'toJSON') return undefined;
      let handle = handles.get(key);
      if (!handle) handles.set(key, (handle = makeHandle(options, key)));
      return handle;
    },
    has: (_, key) => typeof key === 'string' && (options.methods?.some(({ name }) => name === key) ?? false),
    ownKeys: () => options.methods?.map(({ name }) => name) ?? [],
    getOwnPropertyDescriptor: (_, key) =>
      options.methods?.some(({ name }) => name === key)
        ? { enumerable: true, configurable: true, get: () => Reflect.get(proxy, key) as unknown }
        : undefined,
  });
  return proxy as Instance<T>;
}

// As an argument or result it arrives as an instance of the same class, with the same parameters.
function travelling({ className, target, methods }: InstanceOptions): HandleState {
  return { kind: 'gantry.Instance', state: { className, methods, target: target.reference } };
}

registerHandle(
  'gantry.Instance',
  (state: Pick<InstanceOptions, 'className' | 'methods'> & { target: TargetReference }) =>
    makeInstance<object>({ ...state, target: FunctionTarget.to(state.target) }),
);

type Replaces = (replaced: PoolOptions, options: never) => PoolOptions;

const REPLACES: Readonly<Record<keyof ReplacingOptions<never>, Replaces>> = {
  withOptions: replaceOptions,
  withConcurrency: replaceConcurrency,
  withBatching: replaceBatching,
};

// What was local stays one object: its hooks run once, whichever handle calls it first.
function replacementsOf<T>(options: InstanceOptions): Map<unknown, (change: never) => Instance<T>> {
  const { target } = options;
  return new Map(
    Object.entries(REPLACES).map(([name, replace]) => [
      name,
      (change) => makeInstance<T>({ ...options, target: target.replacing(replace(target.replaced, change)) }),
    ]),
  );
}

function makeHandle(options: InstanceOptions, method: string): RemoteFunction {
  const { className, target, methods, local } = options;
  if (methods && !methods.some(({ name }) => name === method)) {
    throw new InvalidError(`"${className}.${method}" carries neither @method() nor a decorator of the web`, {
      hint: `Methods: ${methods.map(({ name }) => name).join(', ') || 'none'}.`,
    });
  }
  const label = `${className}.${method}`;
  const body = local && ((...args: never[]) => local.callBody(method, args));
  return new RemoteFunction({
    label,
    target,
    method,
    local: body && target.replaced.batching ? asSingle(label, body) : local && localCall(local, method),
    body,
    raw: local?.raw(method),
  });
}

function localCall(local: LocalInstance, method: string): AnyFunction {
  return (...args) => (local.isGenerator(method) ? local.generate(method, args) : local.call(method, args));
}

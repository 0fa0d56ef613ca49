import 'reflect-metadata';

import type { WebSpec } from '@gantry/protocol';

import { assertOnClass, assertParentheses } from './decorator-use.ts';
import { checkConcurrentOptions } from './option-checks.ts';
import type { BatchedOptions, ClusteredOptions, ConcurrentOptions } from './options.ts';
import type { AnyClass, AnyFunction, ClassRegistration } from './registry.ts';

/** Decorates a class. */
export type ClassDecoratorFor = <TClass extends AnyClass>(target: TClass) => void;

/** What `concurrent(…, fn)`, `batched(…, fn)`, `clustered(…, fn)` and the web modifiers say about a free function. */
export interface FunctionModifiers {
  readonly fn: AnyFunction;
  readonly concurrent?: ConcurrentOptions;
  readonly web?: WebSpec;
  readonly batched?: BatchedOptions;
  readonly clustered?: ClusteredOptions;
}

const CONCURRENT = 'gantry:concurrent';
const REGISTRATIONS = 'gantry:registrations';
const modified = new WeakMap<AnyFunction, FunctionModifiers>();

/**
 * Lets one container handle several inputs at once: above a class, or around a free function. The platform
 * starts containers for `targetInputs` each and lets them burst up to `maxInputs`.
 *
 * @throws {@link InvalidError} on options out of range, or off a class.
 *
 * @example
 * ```ts
 * export const fetchPage = app.function({}, concurrent({ maxInputs: 50 }, async (url: string) => …));
 * ```
 */
export function concurrent(options: ConcurrentOptions): ClassDecoratorFor;
export function concurrent<A extends unknown[], R>(
  options: ConcurrentOptions,
  fn: (...args: A) => R,
): (...args: A) => R;
export function concurrent(...args: [ConcurrentOptions, AnyFunction?]): ClassDecoratorFor | AnyFunction {
  const [options, fn] = args;
  if (typeof options === 'function') assertParentheses('concurrent', args);
  checkConcurrentOptions(options);
  if (fn) return modify(fn, { concurrent: options });
  return (...use: unknown[]) => {
    assertOnClass('concurrent', use);
    const target = use[0] as AnyClass;
    Reflect.defineMetadata(CONCURRENT, options, target);
    // Standing above @app.cls, this runs after the class was registered.
    for (const registration of registrationsOf(target)) registration.concurrent = options;
  };
}

/** A copy of `fn` that carries a modifier: the same function may be registered again without it. */
export function modify(fn: AnyFunction, change: Omit<FunctionModifiers, 'fn'>): AnyFunction {
  const before = modifiersOf(fn);
  const copy: AnyFunction = (...args) => before.fn(...args);
  Object.defineProperty(copy, 'name', { value: before.fn.name });
  modified.set(copy, { ...before, ...change });
  return copy;
}

/** The user's function below all modifiers, and what they say. */
export function modifiersOf(fn: AnyFunction): FunctionModifiers {
  return modified.get(fn) ?? { fn };
}

/** What `@concurrent` says about a class, if it stands below `@app.cls`. */
export function concurrencyOf(target: AnyClass): ConcurrentOptions | undefined {
  return Reflect.getMetadata(CONCURRENT, target) as ConcurrentOptions | undefined;
}

/** Remembers a class's registration, for decorators that run later. */
export function rememberRegistration(registration: ClassRegistration): void {
  const { target } = registration;
  Reflect.defineMetadata(REGISTRATIONS, [...registrationsOf(target), registration], target);
}

/** Registrations of exactly this class, one per app. */
export function registrationsOf(target: AnyClass): ClassRegistration[] {
  return (Reflect.getOwnMetadata(REGISTRATIONS, target) as ClassRegistration[] | undefined) ?? [];
}

import { InvalidError } from '@gantry/protocol';

import { recordMember } from './class-members.ts';
import { assertOnMethod, assertParentheses, type MemberDecorator } from './decorator-use.ts';
import { modify } from './modifiers.ts';
import { checkBatchedOptions } from './option-checks.ts';
import type { BatchedOptions } from './options.ts';
import type { AnyFunction } from './registry.ts';
import type { RemoteFunction } from './remote-function.ts';

declare const batchItem: unique symbol;

/**
 * A list that a batched method of a class takes for one of its parameters. To the method it is an array; the
 * handles of `app.instance` take single values for it, which a decorator alone could not tell the compiler.
 */
export type Batch<T> = T[] & { readonly [batchItem]?: T };

/** True for methods whose parameters are {@link Batch}es. */
export type TakesBatches<A extends unknown[]> = A extends [infer First, ...unknown[]]
  ? typeof batchItem extends keyof First
    ? true
    : false
  : false;

type ItemOf<T> = T extends readonly (infer E)[] ? E : never;

/** What callers pass for lists: one value for each. */
export type Unlisted<A extends unknown[]> = {
  [K in keyof A]: A[K] extends Batch<infer E> ? E : ItemOf<A[K]>;
};

/** A batched function as its callers see it: single values in, a single value out. */
export type Unbatched<F> = F extends (...args: infer A) => infer R
  ? (...args: Unlisted<A>) => Promise<ItemOf<Awaited<R>>>
  : never;

/** A handle after `withBatching`: single values where the function takes lists. One that is batched stays as it is. */
export type WithBatching<A extends unknown[], R, TLocal> = A extends (readonly unknown[])[]
  ? Awaited<R> extends readonly (infer E)[]
    ? RemoteFunction<Unlisted<A>, Promise<E>>
    : RemoteFunction<A, R, TLocal>
  : RemoteFunction<A, R, TLocal>;

/**
 * Runs a function on several inputs at once. Callers pass single values; the body gets one list for each
 * parameter and returns a list of the same length. A batch closes when it is full, or `waitMs` after its first
 * input. Above the one method of a class, without `@method()`, or around a free function.
 *
 * @throws {@link InvalidError} on options that are missing or out of range, off a method, or together with
 * `@method()` or `@fastapiEndpoint()`.
 *
 * @example
 * ```ts
 * export const add = app.function({}, batched({ maxBatchSize: 4, waitMs: 1_000 }, async (xs: number[], ys: number[]) =>
 *   xs.map((x, i) => x + (ys[i] ?? 0)),
 * ));
 * await add.remote(1, 2); // 3
 * ```
 */
export function batched(options: BatchedOptions): MemberDecorator;
export function batched<A extends unknown[], R extends readonly unknown[]>(
  options: BatchedOptions,
  fn: (...lists: A) => R | Promise<R>,
): (...args: Unlisted<A>) => Promise<ItemOf<R>>;
export function batched(...args: [BatchedOptions, AnyFunction?]): MemberDecorator | AnyFunction {
  const [options, fn] = args;
  if (typeof fn !== 'function') assertParentheses('batched', args);
  checkBatchedOptions(options ?? {});
  if (fn) return modify(fn, { batched: options });
  const decorator: MemberDecorator = (...use) => {
    assertOnMethod('batched', use);
    recordMember(use[0], { name: use[1], batched: options });
  };
  return decorator;
}

/** Calls a batched body with a batch of one. */
export function asSingle(label: string, body: AnyFunction): AnyFunction {
  return async (...args: never[]) => {
    const lists = args.map((value) => [value]);
    const results: unknown = await body(...(lists as never[]));
    if (Array.isArray(results) && results.length === 1) return results[0] as unknown;
    const got = Array.isArray(results) ? `${results.length} results` : `${typeof results}, no list,`;
    throw new InvalidError(`"${label}" returned ${got} for a batch of 1`, {
      hint: 'Return a list with one result for each input, in their order.',
    });
  };
}

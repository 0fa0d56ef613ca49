import { InvalidError } from '@gantry/protocol';

import { checkKeys } from './option-checks.ts';
import { zip, type AnyIterable } from './zip.ts';

/** One iterable for each parameter. */
export type MapInputs<A extends unknown[]> = { [K in keyof A]: AnyIterable<A[K]> };

/** All parameters but the last. */
export type Leading<A extends unknown[]> = Required<A> extends [...infer L, unknown] ? L : never;

/** The last parameter. */
export type Last<A extends unknown[]> = Required<A> extends [...unknown[], infer L] ? L : never;

/** Gives the last parameter one value for all inputs, so that there is no iterable for it. */
export interface WithKwargs<A extends unknown[]> {
  kwargs: Last<A>;
}

/**
 * Takes `(...iterables, options?)` apart and zips the iterables into argument lists.
 *
 * @throws {@link InvalidError} if an argument is neither, or an option unknown.
 */
export function splitMapArguments(
  subject: string,
  args: readonly unknown[],
  knownOptions: readonly string[],
): { inputs: AnyIterable<readonly unknown[]>; options: object } {
  const last = args.at(-1);
  const hasOptions = typeof last === 'object' && last !== null && !isIterable(last);
  const options = hasOptions ? last : {};
  const given = hasOptions
    ? args.slice(0, -1)
    : args.filter((arg, i) => i < args.length - 1 || arg !== undefined);
  checkKeys(subject, options, [...knownOptions, 'kwargs']);
  if (given.length === 0) {
    throw new InvalidError(`${subject} needs at least one iterable`, {
      hint: `Write .${subject}([1, 2, 3]): one iterable for each parameter.`,
    });
  }
  const iterables = given.map((argument, position) => {
    if (isIterable(argument)) return argument;
    throw new InvalidError(`argument ${position + 1} of ${subject} is not iterable`, {
      hint: 'Pass one iterable for each parameter; options come last.',
    });
  });
  const { kwargs, ...others } = options as { kwargs?: unknown };
  return { inputs: appended(zip(iterables), kwargs), options: others };
}

function isIterable(value: unknown): value is AnyIterable<unknown> {
  if (typeof value === 'string') return true;
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

/** Adds one more argument to each list. */
export function appended(
  argLists: AnyIterable<readonly unknown[]>,
  last: unknown,
): AnyIterable<readonly unknown[]> {
  if (last === undefined) return argLists;
  if (Symbol.iterator in argLists) return { [Symbol.iterator]: () => appendedSync(argLists, last) };
  return { [Symbol.asyncIterator]: () => appendedAsync(argLists[Symbol.asyncIterator](), last) };
}

function* appendedSync(
  argLists: Iterable<readonly unknown[]>,
  last: unknown,
): Generator<readonly unknown[], void> {
  for (const args of argLists) yield [...args, last];
}

function appendedAsync(
  source: AsyncIterator<readonly unknown[]>,
  last: unknown,
): AsyncIterator<readonly unknown[]> {
  return {
    async next() {
      const step = await source.next();
      return step.done ? step : { done: false, value: [...step.value, last] };
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  };
}

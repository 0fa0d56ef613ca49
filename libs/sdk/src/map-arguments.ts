import { InvalidError } from '@gantry/protocol';

import { checkKeys } from './option-checks.ts';
import { totalOf, zip, type AnyIterable, type ArgLists } from './zip.ts';

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
): { inputs: ArgLists; options: object } {
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

type Change = (args: readonly unknown[], position: number) => readonly unknown[];

/**
 * The argument lists of `starmap`, with one more argument for each if there is one.
 *
 * @throws {@link InvalidError} if they cannot be iterated over; while that is done, for one that is no list.
 */
export function argumentLists(argLists: unknown, last: unknown): ArgLists {
  if (!isIterable(argLists)) {
    throw new InvalidError('starmap needs an iterable of argument lists', {
      hint: 'Write .starmap([[1, 2], [3, 4]]): one list of arguments for each input.',
    });
  }
  return changed(argLists as ArgLists, (args, position) => {
    if (typeof args === 'string' || !isIterable(args)) {
      throw new InvalidError(`input ${position} of starmap is no list of arguments`, {
        hint: 'Write .starmap([[1, 2], [3, 4]]), or .map([1, 3]) for a single parameter.',
      });
    }
    return last === undefined ? args : [...args, last];
  });
}

/** Adds one more argument to each list. */
function appended(argLists: ArgLists, last: unknown): ArgLists {
  return last === undefined ? argLists : changed(argLists, (args) => [...args, last]);
}

function changed(argLists: ArgLists, change: Change): ArgLists {
  const total = argLists.total ?? totalOf(argLists);
  if (Symbol.iterator in argLists) return { [Symbol.iterator]: () => changedSync(argLists, change), total };
  return { [Symbol.asyncIterator]: () => changedAsync(argLists[Symbol.asyncIterator](), change), total };
}

function* changedSync(
  argLists: Iterable<readonly unknown[]>,
  change: Change,
): Generator<readonly unknown[], void> {
  let position = 0;
  for (const args of argLists) yield change(args, position++);
}

function changedAsync(
  source: AsyncIterator<readonly unknown[]>,
  change: Change,
): AsyncIterator<readonly unknown[]> {
  let position = 0;
  return {
    async next() {
      const step = await source.next();
      if (step.done) return step;
      try {
        return { done: false, value: change(step.value, position++) };
      } catch (error) {
        await source.return?.();
        throw error;
      }
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  };
}

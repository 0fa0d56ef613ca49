import { InvalidError } from '@gantry/protocol';

import { checkKeys } from './option-checks.ts';

/** What can be read one after the other, at once or with waiting. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

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
  checkKeys(subject, options, knownOptions);
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
  return { inputs: zip(iterables), options };
}

function isIterable(value: unknown): value is AnyIterable<unknown> {
  if (typeof value === 'string') return true;
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

// One iterator of lists, as lazy as its parts: synchronous while all of them are.
function zip(iterables: readonly AnyIterable<unknown>[]): AnyIterable<readonly unknown[]> {
  if (iterables.every((iterable) => typeof iterable === 'string' || Symbol.iterator in iterable)) {
    return { [Symbol.iterator]: () => zipSync(iterables as Iterable<unknown>[]) };
  }
  return { [Symbol.asyncIterator]: () => zipAsync(iterables) };
}

function* zipSync(iterables: readonly Iterable<unknown>[]): Generator<readonly unknown[], void> {
  const iterators = iterables.map((iterable) => iterable[Symbol.iterator]());
  try {
    for (;;) {
      const steps = iterators.map((iterator) => iterator.next());
      if (steps.some((step) => step.done)) return;
      yield steps.map((step) => step.value);
    }
  } finally {
    for (const iterator of iterators) iterator.return?.();
  }
}

async function* zipAsync(
  iterables: readonly AnyIterable<unknown>[],
): AsyncGenerator<readonly unknown[], void> {
  const iterators = iterables.map((iterable) =>
    Symbol.asyncIterator in Object(iterable)
      ? (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator]()
      : (iterable as Iterable<unknown>)[Symbol.iterator](),
  );
  try {
    for (;;) {
      const steps = await Promise.all(iterators.map((iterator) => iterator.next()));
      if (steps.some((step) => step.done)) return;
      yield steps.map((step) => step.value as unknown);
    }
  } finally {
    for (const iterator of iterators) void iterator.return?.();
  }
}

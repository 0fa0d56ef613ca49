/** What can be read one after the other, at once or with waiting. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** Lists of arguments. */
export type ArgLists = AnyIterable<readonly unknown[]> & {
  /** How many there are, where that is known before they are read. */
  readonly total?: number | undefined;
};

/** One iterator of lists, as lazy as its parts: synchronous while all of them are. The shortest ends it. */
export function zip(iterables: readonly AnyIterable<unknown>[]): ArgLists {
  const totals = iterables.map(totalOf);
  const total = totals.includes(undefined) ? undefined : Math.min(...(totals as number[]));
  if (iterables.every((iterable) => typeof iterable === 'string' || Symbol.iterator in iterable)) {
    return { [Symbol.iterator]: () => zipSync(iterables as Iterable<unknown>[]), total };
  }
  return { [Symbol.asyncIterator]: () => new AsyncZip(iterables.map(iteratorOf)), total };
}

/** How many values there are in what can be counted without reading it. */
export function totalOf(iterable: unknown): number | undefined {
  if (Array.isArray(iterable)) return iterable.length;
  return iterable instanceof Set || iterable instanceof Map ? iterable.size : undefined;
}

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

function iteratorOf(iterable: AnyIterable<unknown>): AnyIterator {
  // A string is no object, so `in` does not work on it.
  const asyncIterator = (iterable as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  return asyncIterator?.call(iterable) ?? (iterable as Iterable<unknown>)[Symbol.iterator]();
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

/**
 * Reads its parts side by side. Not a generator: that could be closed only between two values, while one of its
 * parts may wait for ever, be it that another part has ended or that nobody wants more.
 */
class AsyncZip implements AsyncIterator<readonly unknown[]> {
  readonly #parts: readonly AnyIterator[];
  #isClosed = false;

  constructor(parts: readonly AnyIterator[]) {
    this.#parts = parts;
  }

  async next(): Promise<IteratorResult<readonly unknown[]>> {
    if (this.#isClosed) return { done: true, value: undefined };
    try {
      const values = await this.#step();
      if (values) return { done: false, value: values };
    } catch (error) {
      await this.return();
      throw error;
    }
    return this.return();
  }

  return(): Promise<IteratorResult<readonly unknown[]>> {
    if (!this.#isClosed) for (const part of this.#parts) void close(part);
    this.#isClosed = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The next value of each part; undefined as soon as one has ended. */
  #step(): Promise<readonly unknown[] | undefined> {
    return new Promise((resolve, reject) => {
      const step = async (part: AnyIterator): Promise<unknown> => {
        const { done, value } = await part.next();
        if (done) resolve(undefined);
        return value;
      };
      Promise.all(this.#parts.map(step)).then(resolve, reject);
    });
  }
}

// What a part says to being closed is nobody's business: the map is over.
async function close(part: AnyIterator): Promise<void> {
  try {
    await part.return?.();
  } catch {
    return;
  }
}

/**
 * What `remoteGen` of a function with the result `R` gives; never for a function that is no generator. A function
 * counts as a generator if it is written as one, or if its result is an iterator or an `AsyncIterable`.
 */
export type Generated<R> = unknown extends R
  ? AsyncGenerator<unknown, unknown, void>
  : R extends Iterator<infer Y, infer T> & Iterable<unknown>
    ? AsyncGenerator<Y, T, void>
    : R extends AsyncIterator<infer Y, infer T> & AsyncIterable<unknown>
      ? AsyncGenerator<Y, T, void>
      : R extends AsyncIterable<infer Y>
        ? AsyncIterable<Y> extends R
          ? AsyncGenerator<Y, void, void>
          : never
        : never;

/** `THandle` if `R` is the result of a plain function: the type of `this` where generators cannot be called. */
export type Plain<R, THandle> = unknown extends R
  ? THandle
  : [Generated<R>] extends [never]
    ? THandle
    : { 'this function is a generator: iterate over remoteGen(…)': never };

/** `THandle` if `R` is the result of a generator: the type of `this` where only generators can be called. */
export type Generating<R, THandle> = [Generated<R>] extends [never]
  ? { 'this function is no generator: call remote(…)': never }
  : THandle;

/** What `local` of a method gives, whose class is made, and its hooks run, at the first call. */
export type LocalResult<R> = unknown extends R
  ? Promise<Awaited<R>>
  : [Generated<R>] extends [never]
    ? Promise<Awaited<R>>
    : Generated<R>;

import type { AnyIterable } from './zip.ts';

/** Iterables that nobody has read yet, by a token for each, with the words of their warning. */
const unread = new Map<object, string>();
const dropped = new FinalizationRegistry<object>(warn);
let isWatchingTheEnd = false;

/**
 * An iterable that starts when it is read. If it is dropped unread, or the program ends first, a warning says so:
 * most likely the loop around it was forgotten, and nothing ran.
 */
export function startedWhenRead<T>(call: string, start: () => AsyncGenerator<T, void>): AsyncIterable<T> {
  const token = {};
  let started: AsyncGenerator<T, void> | undefined;
  const iterable: AnyIterable<T> = {
    [Symbol.asyncIterator]() {
      unread.delete(token);
      return (started ??= start());
    },
  };
  unread.set(token, call);
  dropped.register(iterable, token);
  warnAtTheEnd();
  return iterable;
}

function warnAtTheEnd(): void {
  if (isWatchingTheEnd) return;
  isWatchingTheEnd = true;
  process.once('beforeExit', () => {
    for (const token of [...unread.keys()]) warn(token);
  });
}

function warn(token: object): void {
  const call = unread.get(token);
  if (call === undefined) return;
  unread.delete(token);
  process.emitWarning(`nothing ran: the results of ${call} were never read`, {
    type: 'GantryWarning',
    detail: 'Iterate over them with "for await", or call forEach or spawnMap.',
  });
}

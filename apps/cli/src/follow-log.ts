import { setTimeout as delay } from 'node:timers/promises';

import { ConnectionError, type LogEntry, LogPlace } from '@gantry/protocol';

import { readLines } from './read-lines.ts';

const AGAIN_MS = 1_000;
const GIVE_UP_MS = 60_000;

export interface FollowLogOptions {
  /** Goes on where it was, when the server has gone away and come back. */
  follow?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** Waits before the next attempt. */
  pause?: ((ms: number) => Promise<unknown>) | undefined;
}

/**
 * Entries of a log, each of them once, also when the connection breaks. With `follow` it tries for a minute to get a new one.
 *
 * @param open Begins to read, at a position if one is given. Throws ConnectionError if the server cannot be reached.
 */
export async function* followLog(
  open: (from: number | undefined) => Promise<AsyncIterable<LogEntry>>,
  { follow, signal, pause = delay }: FollowLogOptions,
): AsyncGenerator<LogEntry> {
  const place = new LogPlace();
  let source = await open(undefined);
  for (;;) {
    const end: End = yield* newEntries(source, place);
    if (!end) return;
    if (!follow || signal?.aborted) throw end.error;
    source = await reopen(() => open(place.resume()), { signal, pause, error: end.error });
  }
}

/** What broke the connection; nothing for a log that ended. */
type End = { error: unknown } | undefined;

async function* newEntries(source: AsyncIterable<LogEntry>, place: LogPlace): AsyncGenerator<LogEntry, End> {
  try {
    for await (const entry of source) if (place.isNew(entry)) yield entry;
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** The entries in an answer of the server. */
export async function* toEntries(body: AsyncIterable<Uint8Array> | null): AsyncGenerator<LogEntry> {
  for await (const line of readLines(body ?? emptyBody())) {
    if (line.trim() !== '') yield JSON.parse(line) as LogEntry;
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

async function reopen(
  open: () => Promise<AsyncIterable<LogEntry>>,
  {
    signal,
    pause,
    error,
  }: { signal: AbortSignal | undefined; pause: (ms: number) => Promise<unknown>; error: unknown },
): Promise<AsyncIterable<LogEntry>> {
  for (let waitedMs = 0; waitedMs < GIVE_UP_MS; waitedMs += AGAIN_MS) {
    await pause(AGAIN_MS);
    if (signal?.aborted) break;
    try {
      return await open();
    } catch (failure) {
      if (!(failure instanceof ConnectionError)) throw failure;
    }
  }
  throw error;
}

import {
  type CollectionOperation,
  type CollectionRequest,
  COLLECTION_LIMITS,
  type GantryError,
  GantryTimeoutError,
  InternalFailure,
  InvalidError,
  isGantryError,
  subjects,
} from '@gantry/protocol';

import type { Messaging } from './messaging.ts';

const ANSWER_MS = 5_000;
const PAUSE_MS = 100;
/** Longer than it takes another server to lead. */
const PATIENCE_MS = 30_000;

/**
 * Has the server that keeps dicts and queues do something. While none does, because another one is about to, it is asked
 * again, for 30 s.
 *
 * @param request.op - Names the operation: it is done once, however often it is asked for.
 * @returns the answer, where the server in this process has it at once; else a promise of it.
 */
export function askCollections(
  messaging: Pick<Messaging, 'request' | 'nearby'>,
  request: CollectionRequest,
): unknown {
  const timeoutMs = ANSWER_MS + waitOf(request.operation);
  const ask = (): Promise<unknown> =>
    messaging.request(subjects.collections, request, { timeoutMs, nearby: true });
  const handler = messaging.nearby(subjects.collections);
  if (!handler) return askPatiently(ask);
  // What the server in this process knows at once is here without a turn of the event loop.
  try {
    const answer = handler(request);
    return answer instanceof Promise ? askPatiently(ask, answer) : answer;
  } catch (error) {
    if (!mayPass(error)) throw error;
    return askPatiently(ask);
  }
}

async function askPatiently(ask: () => Promise<unknown>, first = ask()): Promise<unknown> {
  const startedAtMs = performance.now();
  for (let answer = first; ; answer = ask()) {
    try {
      return await answer;
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (performance.now() - startedAtMs > PATIENCE_MS) throw nobodyKeepsThem(error);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

// A server may not wait as long as it likes: the one that is asked may be gone.
function waitOf(operation: CollectionOperation): number {
  if (operation === null || typeof operation !== 'object' || typeof operation.do !== 'string') {
    throw new InvalidError('an operation on a dict or queue is an object that says what to do');
  }
  if (!('waitMs' in operation)) return 0;
  if (operation.waitMs >= 0 && operation.waitMs <= COLLECTION_LIMITS.waitMs) return operation.waitMs;
  throw new InvalidError(`a server waits 0 to ${COLLECTION_LIMITS.waitMs} ms at a time for a queue`);
}

function mayPass(error: unknown): boolean {
  return isGantryError(error, 'UNAVAILABLE') || error instanceof GantryTimeoutError;
}

function nobodyKeepsThem(cause: unknown): GantryError {
  return new InternalFailure('no server keeps dicts and queues now', {
    cause,
    hint: 'Check that a gantry server runs and reaches NATS: gantry doctor',
  });
}

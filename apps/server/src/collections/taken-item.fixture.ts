import type { Messaging } from '@gantry/messaging';
import { type CollectionOperation, newId, type QueueItems, subjects } from '@gantry/protocol';

/** Sooner than programs do: what is asked twice is asked often here. */
const ANSWER_MS = 700;
const PATIENCE_MS = 60_000;

/** Asks who keeps dicts and queues, again and again by one name until there is an answer. */
export async function askKeeper(
  messaging: Pick<Messaging, 'request'>,
  operation: CollectionOperation,
): Promise<unknown> {
  const op = newId('in');
  const startedAtMs = performance.now();
  for (;;) {
    try {
      const options = { timeoutMs: ANSWER_MS, nearby: true };
      return await messaging.request(subjects.collections, { op, operation }, options);
    } catch (error) {
      if (performance.now() - startedAtMs > PATIENCE_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** An item that is the caller's; none if there was none, or it went to another one. */
export async function takeOne(
  messaging: Pick<Messaging, 'request'>,
  id: string,
): Promise<number | undefined> {
  const take = { do: 'queue.take', id, partition: '', count: 1, waitMs: 100 } as const;
  const { loan, values } = (await askKeeper(messaging, take)) as QueueItems;
  if (values.length === 0) return undefined;
  if (!(await askKeeper(messaging, { do: 'queue.confirm', id, loan }))) return undefined;
  return Number(Buffer.from(values[0] as Uint8Array).toString());
}

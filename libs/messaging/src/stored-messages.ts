import type { NatsLink } from './nats-link.ts';

/** A message as a stream keeps it. */
export interface StoredMessage {
  subject: string;
  sequence: number;
  data: Uint8Array;
}

const BATCH = 256;

/**
 * All messages of a stream whose subjects match, oldest first, read directly: this works on work queues too,
 * takes nothing from them, and costs one request for a single message.
 */
export async function* readStored(
  link: NatsLink,
  stream: string,
  filter: string,
): AsyncGenerator<StoredMessage> {
  const inBatches = link.isAtLeast(2, 11);
  let next = 1;
  for (;;) {
    const messages = inBatches
      ? await readBatch(link, { stream, filter, from: next })
      : await readOne(link, { stream, filter, from: next });
    for (const message of messages) {
      yield message;
      next = message.sequence + 1;
    }
    if (messages.length < (inBatches ? BATCH : 1)) return;
  }
}

interface Position {
  stream: string;
  filter: string;
  from: number;
}

async function readOne(link: NatsLink, { stream, filter, from }: Position): Promise<StoredMessage[]> {
  const message = await link.askUntilAnswered(`reading "${filter}"`, () =>
    link.manager.direct.getMessage(stream, { seq: from, next_by_subj: filter }),
  );
  return message ? [{ subject: message.subject, sequence: message.seq, data: message.data }] : [];
}

async function readBatch(link: NatsLink, { stream, filter, from }: Position): Promise<StoredMessage[]> {
  return await link.askUntilAnswered(`reading "${filter}"`, async () => {
    const found: StoredMessage[] = [];
    try {
      const batch = await link.manager.direct.getBatch(stream, {
        seq: from,
        next_by_subj: filter,
        batch: BATCH,
      });
      for await (const message of batch) {
        found.push({ subject: message.subject, sequence: message.seq, data: message.data });
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return found;
  });
}

// The client reports an empty batch as a failure with this status.
function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404;
}

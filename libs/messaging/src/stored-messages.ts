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
    const { messages, isLast } = inBatches
      ? await readBatch(link, { stream, filter, from: next })
      : await readOne(link, { stream, filter, from: next });
    for (const message of messages) {
      yield message;
      next = message.sequence + 1;
    }
    if (isLast) return;
  }
}

interface Position {
  stream: string;
  filter: string;
  from: number;
}

interface Part {
  messages: StoredMessage[];
  /** Whether none follows. */
  isLast: boolean;
}

async function readOne(link: NatsLink, { stream, filter, from }: Position): Promise<Part> {
  const message = await link.askUntilAnswered(`reading "${filter}"`, () =>
    link.manager.direct.getMessage(stream, { seq: from, next_by_subj: filter }),
  );
  if (!message) return { messages: [], isLast: true };
  return {
    messages: [{ subject: message.subject, sequence: message.seq, data: message.data }],
    isLast: false,
  };
}

// nats-server ends a batch early when its messages are large, so its length does not say whether it was the last one.
async function readBatch(link: NatsLink, { stream, filter, from }: Position): Promise<Part> {
  return await link.askUntilAnswered(`reading "${filter}"`, async () => {
    const messages: StoredMessage[] = [];
    let following = 0;
    try {
      const batch = await link.manager.direct.getBatch(stream, {
        seq: from,
        next_by_subj: filter,
        batch: BATCH,
      });
      for await (const message of batch) {
        messages.push({ subject: message.subject, sequence: message.seq, data: message.data });
        following = message.pending;
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return { messages, isLast: messages.length === 0 || following === 0 };
  });
}

// The client reports an empty batch as a failure with this status.
function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404;
}

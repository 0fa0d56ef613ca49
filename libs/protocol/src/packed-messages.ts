import type { CollectionOperation, DictValue, QueueItems } from './collections.ts';
import type { RunnerToWorker, WorkerToRunner } from './container-messages.ts';
import type { Payload } from './payload.ts';
import type { ClientMessage, ServerMessage } from './session-messages.ts';

// What code asks of dicts and queues, and what it is answered, as lists. As objects, the names of their fields take more of
// the time of a round trip than all that they carry.

/** The most frequent operations, as lists; undefined for the others. */
export type PackedOperation =
  | ['dict.get' | 'dict.has', id: string, key: string]
  | ['dict.put', id: string, key: string, keyBytes: Uint8Array, value: Payload, skipIfExists: boolean]
  | ['queue.put', id: string, partition: string, values: Payload[], ttlMs: number, waitMs: number]
  | ['queue.take', id: string, partition: string, count: number, waitMs: number]
  | ['queue.confirm', id: string, loan: string];

/** An answer: as it is, a {@link DictValue} that is there, or {@link QueueItems}. */
export type PackedAnswer =
  | [form: 0, value?: unknown]
  | [form: 1, value: Uint8Array]
  | [form: 2, loan: string, values: Payload[], more: boolean];

/** Undefined for an operation that travels as it is. */
export function packOperation(operation: CollectionOperation): PackedOperation | undefined {
  switch (operation.do) {
    case 'dict.get':
    case 'dict.has':
      return [operation.do, operation.id, operation.key];
    case 'dict.put': {
      const { id, key, value, skipIfExists } = operation;
      return ['dict.put', id, key.id, key.bytes, value, skipIfExists];
    }
    case 'queue.put': {
      const { id, partition, values, ttlMs, waitMs } = operation;
      return ['queue.put', id, partition, values, ttlMs, waitMs];
    }
    case 'queue.take': {
      const { id, partition, count, waitMs } = operation;
      return ['queue.take', id, partition, count, waitMs];
    }
    case 'queue.confirm':
      return ['queue.confirm', operation.id, operation.loan];
    default:
      return undefined;
  }
}

/** What {@link packOperation} packed. Of what nobody packed it makes an operation that is refused as not valid. */
export function unpackOperation(packed: PackedOperation): CollectionOperation {
  switch (packed[0]) {
    case 'dict.get':
    case 'dict.has':
      return { do: packed[0], id: packed[1], key: packed[2] };
    case 'dict.put': {
      const [, id, key, bytes, value, skipIfExists] = packed;
      return { do: 'dict.put', id, key: { id: key, bytes }, value, skipIfExists };
    }
    case 'queue.put': {
      const [, id, partition, values, ttlMs, waitMs] = packed;
      return { do: 'queue.put', id, partition, values, ttlMs, waitMs };
    }
    case 'queue.take': {
      const [, id, partition, count, waitMs] = packed;
      return { do: 'queue.take', id, partition, count, waitMs };
    }
    case 'queue.confirm':
      return { do: 'queue.confirm', id: packed[1], loan: packed[2] };
    default:
      return { do: packed[0] } as never;
  }
}

export function packAnswer(answer: unknown): PackedAnswer {
  if (typeof answer === 'object' && answer !== null) {
    const { value } = answer as DictValue;
    if (value instanceof Uint8Array && Object.keys(answer).length === 1) return [1, value];
    const { loan, values, more } = answer as QueueItems;
    if (loan !== undefined) return [2, loan, values, more];
  }
  return [0, answer];
}

export function unpackAnswer(packed: PackedAnswer): unknown {
  switch (packed[0]) {
    case 1:
      return { value: packed[1] } satisfies DictValue;
    case 2: {
      const [, loan, values, more] = packed;
      return { loan, values, more } satisfies QueueItems;
    }
    default:
      return packed[1];
  }
}

type ContainerMessage = RunnerToWorker | WorkerToRunner;
type PackedMessage =
  | [asked: true, requestId: number, operation: PackedOperation]
  | [asked: false, requestId: number, answer: PackedAnswer];

/** A message between a runner and its worker as it is sent. */
export function packMessage(message: ContainerMessage): ContainerMessage | PackedMessage {
  if (message.type !== 'api') return message;
  const inner: ClientMessage | ServerMessage = message.message;
  if (inner.type === 'answer' && inner.error === undefined) {
    return [false, inner.requestId, packAnswer(inner.value)];
  }
  if (inner.type !== 'collection') return message;
  const operation = packOperation(inner.operation);
  return operation ? [true, inner.requestId, operation] : message;
}

/** What {@link packMessage} made a message of. */
export function unpackMessage(packed: ContainerMessage | PackedMessage): ContainerMessage {
  if (!Array.isArray(packed)) return packed;
  const [isAsked, requestId, content] = packed;
  if (isAsked) {
    return {
      type: 'api',
      message: { type: 'collection', requestId, operation: unpackOperation(content) },
    };
  }
  return { type: 'api', message: { type: 'answer', requestId, value: unpackAnswer(content) } };
}

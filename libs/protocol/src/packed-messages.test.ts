import { describe, expect, it } from 'vitest';

import { decodeFrame, encodeFrame } from './codec.ts';
import type { CollectionOperation } from './collections.ts';
import type { RunnerToWorker, WorkerToRunner } from './container-messages.ts';
import { packMessage, unpackMessage, unpackOperation } from './packed-messages.ts';

type Message = RunnerToWorker | WorkerToRunner;

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const id = 'di-0123456789abcdefghijkl';
const waitMs = 3_000;

/** As it arrives, having been sent. */
function sent(message: Message): Message {
  return unpackMessage(decodeFrame(new Uint8Array(encodeFrame(packMessage(message)))));
}

const OPERATIONS: CollectionOperation[] = [
  { do: 'dict.get', id, key: '"a"' },
  { do: 'dict.has', id, key: '7' },
  { do: 'dict.put', id, key: { id: '"a"', bytes: bytes(0x61, 0x61) }, value: bytes(1), skipIfExists: true },
  { do: 'queue.put', id, partition: 'p', values: [bytes(1), bytes(2, 3)], ttlMs: 1_000, waitMs: 0 },
  { do: 'queue.take', id, partition: '', count: 2, waitMs },
  { do: 'queue.confirm', id, loan: 'l-1' },
  { do: 'queue.peek', id, partition: '', after: 0, count: 10, waitMs },
  { do: 'dict.update', id, entries: [{ key: { id: '1', bytes: bytes(1) }, value: bytes(4) }] },
  { do: 'open', kind: 'dict', environment: 'main', name: 'seen', createIfMissing: false },
];

describe('a message between a container and its worker', () => {
  it.each(OPERATIONS)('arrives as it was sent: $do', (operation) => {
    const message: Message = { type: 'api', message: { type: 'collection', requestId: 5, operation } };
    expect(sent(message)).toEqual(message);
  });

  it('names no field of what is asked of dicts and queues most often', () => {
    for (const operation of OPERATIONS.slice(0, 6)) {
      const message: Message = { type: 'api', message: { type: 'collection', requestId: 5, operation } };
      const text = Buffer.from(encodeFrame(packMessage(message))).toString('latin1');
      for (const name of [...Object.keys(operation), 'requestId']) expect(text).not.toContain(name);
    }
  });

  it.each([
    ['nothing', undefined],
    ['a truth', true],
    ['a number', 17],
    ['no value', {}],
    ['a value', { value: bytes(1, 2) }],
    ['a value and more', { value: bytes(1, 2), since: 1 }],
    ['items', { loan: 'l', values: [bytes(1)], more: false }],
    ['no items', { loan: '', values: [], more: false }],
    ['a page', { entries: [{ key: bytes(1), value: bytes(2) }], after: 4 }],
    ['a list', [{ name: 'seen' }]],
  ])('arrives as it was sent: the answer that is %s', (_, value) => {
    const message: Message = { type: 'api', message: { type: 'answer', requestId: 5, value } };
    expect(sent(message)).toEqual(message);
  });

  it.each<Message>([
    { type: 'hello', pid: 4 },
    { type: 'stop', graceMs: 30_000 },
    { type: 'api', message: { type: 'ping' } },
    {
      type: 'api',
      message: { type: 'answer', requestId: 1, error: { code: 'NOT_FOUND', message: 'gone', name: 'E' } },
    },
  ])('arrives as it was sent: $type', (message) => {
    expect(sent(message)).toEqual(message);
  });
});

it('a list that nobody packed makes an operation that is none', () => {
  expect(unpackOperation(['dict.melt', id] as never)).toEqual({ do: 'dict.melt' });
});

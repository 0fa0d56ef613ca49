import { decodeFrame, LIMITS, type Payload, type ValuesMessage, type WorkerToRunner } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { AssignedInput } from './assigned-input.ts';
import { NotedDelivery } from './input-doubles.ts';
import { Payloads } from './payloads.ts';
import { ValueStream } from './value-stream.ts';

function openStream() {
  const published: ValuesMessage[] = [];
  const toRunner: WorkerToRunner[] = [];
  const blobs = new Map<string, Uint8Array>();
  const store = { failure: undefined as Error | undefined };
  const payloads = new Payloads({
    putValue: async (bytes: Uint8Array) => {
      if (store.failure) throw store.failure;
      const name = `blob-${blobs.size}`;
      blobs.set(name, bytes);
      return { name, sizeBytes: bytes.length };
    },
  } as ConstructorParameters<typeof Payloads>[0]);
  const input = new AssignedInput(new NotedDelivery({ stream: true }), 0);
  const stream = new ValueStream({
    ...{ input, payloads, workerId: 'wk-1' },
    publish: (message) => published.push(message),
    toRunner: (message) => toRunner.push(message),
    onClose: () => undefined,
  });
  const add = (from: number, to: number): void => {
    for (let seq = from; seq < to; seq++) stream.add(seq, new Uint8Array([seq]));
  };
  const ranges = (): string[] =>
    published.map(({ first, values }) => `${first}-${first + values.length - 1}`);
  return { stream, input, published, toRunner, blobs, store, add, ranges };
}

/** Lets everything that is already resolved take its course. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const bytesOf = (payloads: Payload[] | object): unknown[] =>
  (payloads as Payload[]).map((payload) => (payload instanceof Uint8Array ? payload[0] : payload));

describe('the values of a generator on their worker', () => {
  it('leave together if they arrive in one turn', async () => {
    const { add, ranges } = openStream();
    add(0, 3);
    await turn();
    add(3, 4);
    await turn();
    expect(ranges()).toEqual(['0-2', '3-3']);
  });

  it('become part of the output as far as they are not known to be taken', async () => {
    const { stream, add } = openStream();
    add(0, 5);
    stream.credit({ callId: 'fc-1', taken: 3 });
    const { count, first, tail } = await stream.end();
    expect({ count, first, tail: bytesOf(tail) }).toEqual({ count: 5, first: 3, tail: [3, 4] });
  });

  it('are sent again from where the consumer says', async () => {
    const { stream, add, ranges } = openStream();
    add(0, 6);
    await turn();
    stream.credit({ callId: 'fc-1', taken: 1, againFrom: 4 });
    await turn();
    expect(ranges()).toEqual(['0-5', '4-5']);
  });

  it('do not leave if the consumer has taken them from an attempt before', async () => {
    const { stream, add, ranges, toRunner } = openStream();
    stream.credit({ callId: 'fc-1', taken: 3 });
    add(0, 5);
    await turn();
    expect(toRunner).toEqual([{ type: 'credit', inputId: 'in-1', taken: 3 }]);
    expect(ranges()).toEqual(['3-4']);
    const { first, tail } = await stream.end();
    expect({ first, tail: bytesOf(tail) }).toEqual({ first: 3, tail: [3, 4] });
  });

  it('end before what was taken, if this attempt yielded fewer', async () => {
    const { stream, add } = openStream();
    stream.credit({ callId: 'fc-1', taken: 7 });
    add(0, 2);
    expect(await stream.end()).toEqual({ count: 2, first: 2, tail: [] });
  });

  it('keep their order around a large one, which goes through the blob store', async () => {
    const { stream, add, published } = openStream();
    add(0, 1);
    stream.add(1, new Uint8Array(LIMITS.inlinePayloadBytes + 1));
    add(2, 3);
    await turn();
    const sent = published.flatMap(({ values }) => bytesOf(values));
    expect(sent).toEqual([0, { blob: 'blob-0', sizeBytes: LIMITS.inlinePayloadBytes + 1 }, 2]);
  });

  it('travel in several messages, or one blob in the output, if they are large together', async () => {
    const { stream, ranges, blobs } = openStream();
    for (let seq = 0; seq < 3; seq++) stream.add(seq, new Uint8Array(LIMITS.inlinePayloadBytes / 2));
    await turn();
    expect(ranges()).toEqual(['0-1', '2-2']);
    const { count, first, tail } = await stream.end();
    expect({ count, first, tail }).toMatchObject({ count: 3, first: 0, tail: { blob: 'blob-0' } });
    expect(decodeFrame<Payload[]>(blobs.get('blob-0') ?? new Uint8Array())).toHaveLength(3);
  });

  it('stay here while the lease of their input is lost', async () => {
    const { stream, input, add, ranges } = openStream();
    input.lost = true;
    add(0, 2);
    await turn();
    expect(ranges()).toEqual([]);
    input.lost = false;
    stream.credit({ callId: 'fc-1', taken: 0, againFrom: 0 });
    add(2, 3);
    await turn();
    expect(ranges()).toEqual(['0-2']);
  });

  it('make the input run again if the blob store does not take one', async () => {
    const { stream, store, toRunner } = openStream();
    store.failure = new Error('the disk is full');
    stream.add(0, new Uint8Array(LIMITS.inlinePayloadBytes + 1));
    await turn();
    expect(toRunner).toEqual([{ type: 'abort', inputId: 'in-1', reason: 'cancelled' }]);
    await expect(stream.end()).rejects.toThrow('the disk is full');
  });
});

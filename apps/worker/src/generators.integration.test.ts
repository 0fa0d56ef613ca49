import { join } from 'node:path';

import {
  decodeValue,
  encodeValue,
  newCallId,
  newId,
  newSessionKey,
  subjects,
  type FunctionRecord,
  type InputMessage,
  type OutputMessage,
  type Payload,
  type ValuesMessage,
} from '@gantry/protocol';
import { temporaryDirectory, waitUntil } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bundleRunner, WorkerUnderTest } from './worker-under-test.ts';

const NUMBERS = `{ kind: 'function', name: 'numbers', fn: async function* (to, failAt) {
  for (let n = 0; n < to; n++) {
    if (n === failAt) throw new RangeError('no more');
    yield n;
  }
  return 'end';
} }`;

let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
let platform: WorkerUnderTest;
let record: FunctionRecord;
let containerId: string;

beforeAll(async () => {
  folder = await temporaryDirectory('gantry-generators-');
  platform = await WorkerUnderTest.start(await bundleRunner(join(folder.path, 'runner')));
  record = await platform.deploy(NUMBERS, { timeoutMs: 20_000 });
  containerId = await platform.startContainer(record);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await folder.remove();
});

/** A consumer that says only what a test lets it say. */
class Consumer {
  readonly callId = newCallId(newSessionKey());
  readonly messages: ValuesMessage[] = [];
  readonly outputs: OutputMessage[] = [];

  static async of(...args: unknown[]): Promise<Consumer> {
    const consumer = new Consumer();
    const { messaging } = platform;
    const { callId } = consumer;
    messaging.subscribe<ValuesMessage>(subjects.values(callId), (message) => consumer.messages.push(message));
    messaging.outputs.watchCall(callId, (output) => consumer.outputs.push(output));
    await messaging.inputs.ensurePool(record.id);
    const input: InputMessage = {
      ...{ inputId: newId('in'), callId, index: 0, functionId: record.id, method: '', attempt: 0 },
      ...{ args: encodeValue(args), stream: true },
    };
    await messaging.inputs.submit(record.id, input);
    return consumer;
  }

  get count(): number {
    return this.messages.reduce((sum, { values }) => sum + values.length, 0);
  }

  credit(taken: number, againFrom?: number): void {
    platform.messaging.publish(subjects.credits, { callId: this.callId, taken, againFrom });
  }

  output(): Promise<OutputMessage> {
    return waitUntil(() => this.outputs[0], { what: 'the output' });
  }
}

const decoded = (values: Payload[] | object): unknown[] =>
  (values as Payload[]).map((value) => decodeValue(value as Uint8Array));

describe('a generator on a real worker', () => {
  it('streams its values, and its output holds those that were not taken', async () => {
    const consumer = await Consumer.of(5);
    const { outcome, stream } = await consumer.output();

    expect(outcome.type === 'value' && decodeValue(outcome.value as Uint8Array)).toBe('end');
    expect(stream).toMatchObject({ count: 5, first: 0 });
    expect(decoded(stream?.tail ?? [])).toEqual([0, 1, 2, 3, 4]);
    await waitUntil(() => consumer.count === 5);
    expect(consumer.messages[0]).toMatchObject({ first: 0, source: platform.worker.workerId });
    expect(consumer.messages.flatMap(({ values }) => decoded(values))).toEqual([0, 1, 2, 3, 4]);
  });

  it('waits for its consumer at the end of the window', async () => {
    const consumer = await Consumer.of(100);
    await waitUntil(() => consumer.count === 64);
    consumer.credit(16);
    await waitUntil(() => consumer.count === 80);
    expect(consumer.outputs).toEqual([]);
    consumer.credit(80);
    const { stream } = await consumer.output();

    expect(stream).toMatchObject({ count: 100, first: 80 });
  });

  it('sends again what a consumer lacks', async () => {
    const consumer = await Consumer.of(100);
    await waitUntil(() => consumer.count === 64);
    consumer.credit(10, 50);
    await waitUntil(() => consumer.messages.some(({ first }) => first === 50));
    consumer.credit(64);
    await consumer.output();
  });

  it('has its error in the output, after the values before it', async () => {
    const { outcome, stream } = await (await Consumer.of(10, 3)).output();

    expect(outcome).toMatchObject({ type: 'error' });
    expect(decoded(stream?.tail ?? [])).toEqual([0, 1, 2]);
  });

  it('that is cancelled frees its place, whatever its consumer takes', async () => {
    const consumer = await Consumer.of(1_000);
    await waitUntil(() => consumer.count === 64);
    platform.messaging.publish(subjects.cancel, { callId: consumer.callId, terminateContainers: false });
    const { outcome } = await consumer.output();

    expect(outcome).toMatchObject({ type: 'failure', failure: { name: 'InputCancellation' } });
    await waitUntil(() => platform.container(containerId)?.running === 0);
  });
});

import {
  encodeFrame,
  encodeValue,
  newSessionKey,
  NotFoundError,
  STREAM_WINDOW,
  toWireError,
  type ClientMessage,
  type FunctionLookup,
  type MethodSpec,
  type Outcome,
  type Payload,
  type PullMessage,
  type ServerMessage,
  type SubmitMessage,
} from '@gantry/protocol';
import { describe, expect, it, vi } from 'vitest';

import { CallTracker } from './call-tracker.ts';
import { FunctionTarget } from './function-target.ts';
import type { Platform } from './platform.ts';
import { RemoteFunction } from './remote-function.ts';
import type { Transport, TransportListener } from './transport.ts';

/** Lets everything that is already resolved take its course. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A platform in memory, whose generator is the test. */
class Producer {
  readonly sent: ClientMessage[] = [];
  readonly blobs = new Map<string, Uint8Array>();
  readonly handle: RemoteFunction<[], AsyncGenerator<unknown, unknown>>;
  #listener: TransportListener | undefined;

  constructor(handlerKind: MethodSpec['handlerKind'] = 'asyncGenerator') {
    const transport: Transport = {
      sessionKey: newSessionKey(),
      listen: (listener) => (this.#listener = listener),
      send: (message) => {
        this.sent.push(message);
        if (message.type === 'cancel') this.#emit({ type: 'answer', requestId: message.requestId });
      },
      setBusy: () => undefined,
      close: () => undefined,
    };
    const payloads = {
      store: (bytes: Uint8Array) => bytes,
      load: (digest: string) => Promise.resolve(this.blobs.get(digest) ?? new Uint8Array()),
    };
    const lookup: FunctionLookup = {
      ...{ functionId: 'fu-1', appId: 'ap-1', name: 'count', kind: 'function', version: 1 },
      ...{ methods: [{ name: '', handlerKind, callable: true }], parameters: [], urls: {} },
    };
    const platform: Platform = {
      closed: false,
      objects: { json: vi.fn(), stream: vi.fn() },
      environment: 'main',
      tracker: new CallTracker(transport, payloads),
      lookup: () => Promise.resolve(lookup),
      forgetLookup: () => undefined,
      currentInputId: () => undefined,
    };
    const target = new FunctionTarget({ name: 'count', apps: () => ['app'], platform });
    this.handle = new RemoteFunction({ label: 'count', target, method: '' });
  }

  get submit(): SubmitMessage | undefined {
    return this.sent.find((message) => message.type === 'submit');
  }

  pulls(): PullMessage[] {
    return this.sent.filter((message) => message.type === 'pull');
  }

  accept(): void {
    this.#emit({ type: 'accepted', inputIds: [this.#ids().inputId] });
  }

  /** Sends the values `from` to below `to`, each its own number. */
  yields(from: number, to: number, source = 'wk-1'): void {
    this.#emit({ type: 'values', ...this.#ids(), first: from, values: numbers(from, to), source });
  }

  ends(count: number, from: number, outcome: Outcome = { type: 'value', value: encodeValue('end') }): void {
    this.endsWith({ count, first: from, tail: numbers(from, count) }, outcome);
  }

  endsWith(stream: Extract<ServerMessage, { type: 'output' }>['stream'], outcome: Outcome): void {
    this.#emit({ type: 'output', ...this.#ids(), index: 0, outcome, stream });
  }

  reconnect(): void {
    this.#listener?.onConnect();
  }

  #ids(): { callId: string; inputId: string } {
    return { callId: this.submit?.callId ?? '', inputId: this.submit?.inputs[0]?.inputId ?? '' };
  }

  #emit(message: ServerMessage): void {
    this.#listener?.onMessage(message);
  }
}

function numbers(from: number, to: number): Payload[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => encodeValue(from + at));
}

async function take(values: AsyncIterator<unknown>, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  for (let i = 0; i < count; i++) taken.push((await values.next()).value);
  return taken;
}

/** A generator whose first value is asked for and on its way. */
async function started(producer = new Producer()) {
  const values = producer.handle.remoteGen();
  const first = values.next();
  await turn();
  producer.accept();
  return { producer, values, first };
}

const ended: Outcome = { type: 'value', value: encodeValue('end') };

describe('the values of a remote generator', () => {
  it('are not asked for before the first one is', async () => {
    const producer = new Producer();
    const values = producer.handle.remoteGen();
    await turn();
    expect(producer.sent).toEqual([]);
    void values.next();
    await turn();
    expect(producer.submit).toMatchObject({ kind: 'generator', functionId: 'fu-1' });
  });

  it('arrive in order and end with the result', async () => {
    const { producer, values, first } = await started();
    producer.yields(0, 2);
    expect(await first).toEqual({ done: false, value: 0 });
    expect(await values.next()).toEqual({ done: false, value: 1 });
    producer.ends(3, 2);
    expect(await values.next()).toEqual({ done: false, value: 2 });
    expect(await values.next()).toEqual({ done: true, value: 'end' });
    expect(await values.next()).toEqual({ done: true, value: undefined });
  });

  it('are complete in the output alone, if all messages before it were lost', async () => {
    const { producer, values, first } = await started();
    producer.ends(3, 0);
    expect([(await first).value, ...(await take(values, 2))]).toEqual([0, 1, 2]);
    expect((await values.next()).done).toBe(true);
  });

  it('may come as one blob at the end', async () => {
    const { producer, first } = await started();
    producer.blobs.set('sha256-1', encodeFrame(numbers(0, 2)));
    producer.endsWith({ count: 2, first: 0, tail: { blob: 'sha256-1', sizeBytes: 9 } }, ended);
    expect(await first).toEqual({ done: false, value: 0 });
  });

  it('come before the error that ended them', async () => {
    const { producer, values, first } = await started();
    const failure = toWireError(new NotFoundError('the file is gone'));
    producer.ends(2, 0, { type: 'failure', failure });
    expect((await first).value).toBe(0);
    expect((await values.next()).value).toBe(1);
    await expect(values.next()).rejects.toThrow('the file is gone');
    expect((await values.next()).done).toBe(true);
  });

  it('are taken once each, also when the generator started anew elsewhere', async () => {
    const { producer, values, first } = await started();
    producer.yields(0, 3);
    await first;
    await values.next();
    producer.yields(0, 2, 'wk-2');
    producer.yields(2, 5, 'wk-2');
    producer.ends(5, 5);
    expect(await take(values, 3)).toEqual([2, 3, 4]);
    expect((await values.next()).done).toBe(true);
  });

  it('tell a generator that started anew how far its consumer is', async () => {
    const { producer, values, first } = await started();
    producer.yields(0, 3);
    await first;
    await values.next();
    producer.yields(0, 2, 'wk-2');
    expect(producer.pulls()).toMatchObject([{ taken: 2, source: 'wk-2' }]);
  });

  it('are asked for again, once, when some were lost', async () => {
    const { producer, values, first } = await started();
    producer.yields(0, 1);
    await first;
    producer.yields(3, 4);
    producer.yields(4, 5);
    expect(producer.pulls()).toMatchObject([{ taken: 1, againFrom: 1 }]);
    producer.yields(1, 5);
    expect(await take(values, 4)).toEqual([1, 2, 3, 4]);
  });

  it('are asked for again after a reconnect, from where they stopped', async () => {
    const { producer, values, first } = await started();
    producer.yields(0, 3);
    await first;
    producer.reconnect();
    expect(producer.pulls()).toMatchObject([{ taken: 1, againFrom: 3 }]);
    expect(producer.pulls()[0]?.source).toBeUndefined();
    producer.yields(1, 4);
    expect(await take(values, 3)).toEqual([1, 2, 3]);
  });

  it('are credited as they are taken, not as they arrive', async () => {
    const { producer, values, first } = await started();
    producer.yields(0, STREAM_WINDOW.values);
    await first;
    await turn();
    expect(producer.pulls()).toEqual([]);
    await take(values, STREAM_WINDOW.creditEveryValues);
    expect(producer.pulls()).toMatchObject([{ taken: STREAM_WINDOW.creditEveryValues, source: 'wk-1' }]);
  });

  it('end, and the call is cancelled, when the loop is left', async () => {
    const producer = new Producer();
    const loop = (async () => {
      for await (const value of producer.handle.remoteGen()) return value;
      return undefined;
    })();
    await turn();
    producer.accept();
    producer.yields(0, 5);
    expect(await loop).toBe(0);
    const { callId } = producer.submit as SubmitMessage;
    expect(producer.sent.slice(1)).toMatchObject([
      { type: 'forget', callId },
      { type: 'cancel', callId },
    ]);
  });

  it('end at once when the consumer leaves while it waits', async () => {
    const { producer, values, first } = await started();
    expect(await values.return('left')).toEqual({ done: true, value: 'left' });
    expect(await first).toEqual({ done: true, value: undefined });
    expect(producer.sent.at(-1)).toMatchObject({ type: 'cancel' });
  });

  it('never start if the consumer leaves before the first one', async () => {
    const producer = new Producer();
    const values = producer.handle.remoteGen();
    await values.return(undefined);
    expect(await values.next()).toEqual({ done: true, value: undefined });
    await turn();
    expect(producer.sent).toEqual([]);
  });

  it('cancel nothing when the consumer leaves after the end was stored', async () => {
    const { producer, values, first } = await started();
    producer.ends(3, 0);
    await first;
    await values.return(undefined);
    expect(producer.sent.map(({ type }) => type)).toEqual(['submit']);
  });
});

describe('a handle', () => {
  it('refuses to call a generator for a single result', async () => {
    const { handle } = new Producer();
    const untyped = handle as unknown as RemoteFunction;
    await expect(untyped.remote()).rejects.toThrow('"count" is a generator, which has no single result');
    await expect(untyped.spawn()).rejects.toThrow('is a generator');
    await expect(untyped.forEach([1])).rejects.toThrow('is a generator');
  });

  it('refuses to iterate over a function that is no generator', async () => {
    const untyped = new Producer('async').handle;
    await expect(untyped.remoteGen().next()).rejects.toThrow('"count" is no generator');
  });
});

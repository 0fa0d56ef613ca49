import { LIMITS, type FunctionOptionsSpec, type Outcome } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { AssignedInput } from './assigned-input.ts';
import { InputBench, NotedTaker, type NotedDelivery } from './input-doubles.ts';

let bench: InputBench;
beforeEach(() => {
  bench = new InputBench();
});
afterEach(() => bench.watch.close());

const times = { startedAtMs: 5, finishedAtMs: 9 };
const value = (bytes = new Uint8Array([1])): Outcome => ({ type: 'value', value: bytes });
const userError: Outcome = { type: 'error', error: new Uint8Array([2]), stack: 'Error: no' };
const retries = { maxRetries: 2, initialDelayMs: 100, backoffCoefficient: 2, maxDelayMs: 1_000 };

function running(options: FunctionOptionsSpec = {}, attempt = 0) {
  const taker = new NotedTaker('ta-1', 1, options);
  bench.feed.add(taker);
  const delivery: NotedDelivery = bench.deliver({ attempt });
  const [input] = taker.taken;
  return { taker, delivery, input: input as AssignedInput };
}

describe('the settlement of an input', () => {
  it('stores the output, and acknowledges only then', async () => {
    const { taker, delivery, input } = running();
    bench.settlement.finished(input, taker, { outcome: value(), times });
    expect(delivery.done).toEqual([]);
    await bench.settle();
    expect(delivery.done).toEqual(['ack']);
    expect(bench.stored).toEqual([
      {
        inputId: 'in-1',
        functionId: 'fu-1',
        method: '',
        callId: 'fc-1',
        index: 0,
        attempt: 0,
        outcome: value(),
        containerId: 'ta-1',
        ...times,
      },
    ]);
  });

  it('gives the input back when its output cannot be stored', async () => {
    const { taker, delivery, input } = running();
    bench.storeFailure = new Error('disk full');
    bench.settlement.finished(input, taker, { outcome: value(), times });
    await bench.settle();
    expect(delivery.done).toEqual(['retryNow']);
  });

  it('submits the next attempt after a user error, later each time', async () => {
    const { taker, delivery, input } = running({ retries });
    bench.settlement.finished(input, taker, { outcome: userError, times });
    await bench.settle();
    expect(delivery.done).toEqual(['ack']);
    expect(bench.stored).toEqual([]);
    expect(taker.outcomes).toEqual([]);
    expect(bench.submitted).toMatchObject([
      { inputId: 'in-1', attempt: 1, notBeforeMs: bench.clock.nowMs + 100 },
    ]);
  });

  it.each([
    [
      'an error',
      (input: AssignedInput, taker: NotedTaker) =>
        bench.settlement.finished(input, taker, { outcome: userError, times }),
      'error',
    ],
    [
      'a timeout',
      (input: AssignedInput, taker: NotedTaker) => bench.settlement.timedOut(input, taker),
      'failure',
    ],
  ])('answers with %s once the retries are used up', async (_, end, type) => {
    const taker = new NotedTaker('ta-1', 1, { retries });
    bench.feed.add(taker);
    bench.deliver({ attempt: 2 });
    await bench.settle();
    end(taker.taken[0] as AssignedInput, taker);
    await bench.settle();
    expect(bench.submitted).toEqual([]);
    expect(bench.stored).toMatchObject([{ attempt: 2, outcome: { type } }]);
    expect(taker.outcomes).toEqual([type]);
  });

  it('does not retry a call that was cancelled', async () => {
    const { taker, input } = running({ retries });
    bench.cancelled.add('fc-1');
    bench.settlement.finished(input, taker, { outcome: userError, times });
    await bench.settle();
    expect(bench.submitted).toEqual([]);
    expect(bench.stored).toHaveLength(1);
  });

  it('settles once: what the code does after a cancellation is ignored', async () => {
    const { taker, delivery, input } = running();
    bench.settlement.cancel(input, taker);
    bench.settlement.finished(input, taker, { outcome: value(), times });
    bench.settlement.giveBack(input);
    await bench.settle();
    expect(bench.stored).toMatchObject([{ outcome: { failure: { name: 'InputCancellation' } } }]);
    expect(delivery.done).toEqual(['ack']);
  });

  it('discards a result whose lease had ended', async () => {
    const { taker, delivery, input } = running();
    bench.clock.nowMs += 8_001;
    bench.settlement.finished(input, taker, { outcome: value(), times });
    await bench.settle();
    expect(bench.stored).toEqual([]);
    expect(delivery.done).toEqual([]);
  });

  it('moves a large value to the blob store, and refuses one above the limit', async () => {
    const { taker, input } = running();
    const large = new Uint8Array(LIMITS.inlinePayloadBytes + 1);
    bench.settlement.finished(input, taker, { outcome: value(large), times });
    await bench.settle();
    expect(bench.stored).toMatchObject([
      { outcome: { type: 'value', value: { blob: 'blob-0', sizeBytes: large.length } } },
    ]);
    bench.stored.length = 0;
    taker.taken.pop();
    bench.feed.balance();
    input.occupying = false;
    bench.watch.releaseIfDone(input);
    bench.deliver({ inputId: 'in-2' });
    const huge = { length: LIMITS.payloadBytes + 1 };
    Object.setPrototypeOf(huge, Uint8Array.prototype);
    bench.settlement.finished(taker.taken[0] as AssignedInput, taker, {
      outcome: value(huge as Uint8Array<ArrayBuffer>),
      times,
    });
    await bench.settle();
    expect(bench.stored).toMatchObject([{ outcome: { failure: { name: 'RequestSizeError' } } }]);
  });

  it.each([
    { reason: 'crashed', containers: 4, name: 'ContainerError', text: 'crashed 4 containers' },
    { reason: 'heartbeat', containers: 2, name: 'ContainerError', text: 'blocked the event loop of 2' },
    { reason: 'outOfMemory', containers: 2, name: 'OutOfMemoryError', text: 'out of memory in 2 containers' },
  ] as const)('fails an input that $reason $containers containers, alone in the last', async (expected) => {
    const { reason, containers, name, text } = expected;
    for (let container = 1; container < containers; container++) {
      const { taker, delivery, input } = running();
      bench.settlement.crashed(input, taker, { reason, message: 'why', wasAlone: true });
      expect(delivery.done).toEqual(['retryNow']);
      bench.feed.remove(taker);
    }
    const { taker, input } = running();
    bench.settlement.crashed(input, taker, { reason, message: 'why', wasAlone: true });
    await bench.settle();
    const message = expect.stringContaining(`${text}`) as unknown;
    expect(bench.stored).toMatchObject([{ attempt: 0, outcome: { failure: { name, message } } }]);
  });

  it('fails no input for a crash of a container that it shared', async () => {
    for (let container = 0; container < 20; container++) {
      const { taker, delivery, input } = running();
      bench.settlement.crashed(input, taker, { reason: 'crashed', message: 'why', wasAlone: false });
      expect(delivery.done).toEqual(['retryNow']);
      bench.feed.remove(taker);
    }
  });
});

import {
  ConnectionError,
  encodeValue,
  InvalidError,
  newId,
  ResourceExhaustedError,
  toWireError,
  type ClientMessage,
  type ServerMessage,
  type SubmitMessage,
} from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { CallTracker, type OpenInput } from './call-tracker.ts';
import type { Route } from './function-target.ts';
import { inlinePayloads } from './payloads.ts';
import type { Transport, TransportListener } from './transport.ts';

class RecordingTransport implements Transport {
  readonly sessionKey = 'abcdef';
  readonly sent: ClientMessage[] = [];
  readonly busy: boolean[] = [];
  listener: TransportListener | undefined;

  listen(listener: TransportListener): void {
    this.listener = listener;
  }

  send(message: ClientMessage): void {
    this.sent.push(message);
  }

  setBusy(busy: boolean): void {
    this.busy.push(busy);
  }

  close(): void {
    this.sent.length = 0;
  }

  receive(message: ServerMessage): void {
    this.listener?.onMessage(message);
  }
}

let transport: RecordingTransport;
let tracker: CallTracker;
beforeEach(() => {
  transport = new RecordingTransport();
  tracker = new CallTracker(transport, inlinePayloads);
});
afterEach(() => {
  vi.useRealTimers();
});

interface Submitted {
  submit: SubmitMessage;
  inputs: OpenInput[];
  results: Promise<unknown>[];
}

function submit(count: number, overrides: Partial<OpenInput> = {}): Submitted {
  const callId = tracker.newCallId();
  const message: SubmitMessage = {
    type: 'submit',
    callId,
    functionId: 'fu-1',
    method: '',
    kind: 'map',
    inputs: [],
  };
  const inputs: OpenInput[] = [];
  const results = Array.from({ length: count }, (_, index) => {
    const inputId = newId('in');
    message.inputs.push({ inputId, index, args: encodeValue([index]) });
    return new Promise((resolve, reject) => {
      inputs.push({
        inputId,
        callId,
        index,
        submit: message,
        route: {} as Route,
        waiter: { resolve, reject },
        spawned: false,
        exhaustedTimes: undefined,
        rerouted: false,
        ...overrides,
      });
    });
  });
  for (const result of results) result.catch(() => undefined);
  tracker.submitAll(message, inputs);
  return { submit: message, inputs, results };
}

function output(input: OpenInput, value: unknown): ServerMessage {
  const { callId, inputId } = input;
  return { type: 'output', callId, inputId, index: 0, outcome: { type: 'value', value: encodeValue(value) } };
}

describe('an open input', () => {
  it('is settled by its output alone, once', async () => {
    const { inputs, results } = submit(2);
    const [first, second] = inputs as [OpenInput, OpenInput];
    transport.receive({ type: 'accepted', inputIds: [first.inputId, second.inputId] });
    transport.receive(output(second, 'two'));
    transport.receive(output(second, 'again'));
    transport.receive(output({ ...first, inputId: 'in-other' }, 'stranger'));
    transport.receive(output(first, 'one'));
    expect(await Promise.all(results)).toEqual(['one', 'two']);
  });

  it('keeps the transport busy until it is settled', async () => {
    const { inputs } = submit(2);
    expect(transport.busy).toEqual([true]);
    for (const input of inputs) transport.receive(output(input, 1));
    expect(transport.busy).toEqual([true, false]);
  });

  it('fails when it is rejected, though its siblings go on', async () => {
    const { inputs, results } = submit(2);
    const [first, second] = inputs as [OpenInput, OpenInput];
    const error = toWireError(new InvalidError('not like this'));
    transport.receive({ type: 'rejected', inputIds: [first.inputId], error });
    transport.receive(output(second, 2));
    await expect(results[0]).rejects.toThrow(InvalidError);
    expect(await results[1]).toBe(2);
  });

  it('fails when the transport gives up', async () => {
    const { results } = submit(1);
    const cancelled = tracker.cancel('fc-other');
    transport.listener?.onFailure(new ConnectionError('gone'));
    await expect(results[0]).rejects.toThrow(ConnectionError);
    await expect(cancelled).rejects.toThrow(ConnectionError);
    expect(transport.busy.at(-1)).toBe(false);
  });

  it('that was spawned is settled when it is durable, and its output is not asked for', async () => {
    const { inputs, results, submit: message } = submit(1, { spawned: true });
    transport.receive({ type: 'accepted', inputIds: [inputs[0]?.inputId ?? ''] });
    expect(await results[0]).toBeUndefined();
    expect(transport.sent.at(-1)).toEqual({ type: 'forget', callId: message.callId });
    expect(transport.busy.at(-1)).toBe(false);
  });
});

describe('a new connection', () => {
  it('gets what was not accepted, one message for inputs sent together, and awaits the rest', () => {
    const accepted = submit(2);
    const waiting = submit(3);
    transport.receive({ type: 'accepted', inputIds: accepted.inputs.map((input) => input.inputId) });
    transport.receive(output(accepted.inputs[0] as OpenInput, 1));
    void tracker.cancel(waiting.submit.callId).catch(() => undefined);
    tracker.hold('ap-1');
    transport.sent.length = 0;
    transport.listener?.onConnect();
    expect(transport.sent.map((message) => message.type)).toEqual(['submit', 'await', 'cancel', 'hold']);
    expect(transport.sent[0]).toBe(waiting.submit);
    expect(transport.sent[1]).toMatchObject({ callId: accepted.submit.callId, indexes: [1] });
  });

  it('gets nothing of what is over', () => {
    const { inputs } = submit(1);
    transport.receive(output(inputs[0] as OpenInput, 1));
    tracker.hold('ap-1')();
    transport.sent.length = 0;
    transport.listener?.onConnect();
    expect(transport.sent).toEqual([]);
  });

  it('fails the inputs of a call that the server does not know any more', async () => {
    const { inputs, results } = submit(1);
    transport.receive({ type: 'accepted', inputIds: [inputs[0]?.inputId ?? ''] });
    transport.listener?.onConnect();
    const asked = transport.sent.at(-1) as { requestId: number };
    const error = toWireError(new InvalidError('no such call'));
    transport.receive({ type: 'answer', requestId: asked.requestId, error });
    await expect(results[0]).rejects.toThrow('no such call');
  });
});

describe('when too much is pending', () => {
  const exhausted = toWireError(new ResourceExhaustedError('2,000 inputs wait'));

  it('inputs of a map go out again, each alone, later and later', async () => {
    vi.useFakeTimers();
    const { inputs, results } = submit(2, { exhaustedTimes: 0 });
    const [first, second] = inputs as [OpenInput, OpenInput];
    transport.receive({ type: 'accepted', inputIds: [second.inputId] });
    transport.receive({ type: 'rejected', inputIds: [first.inputId], error: exhausted });
    expect(transport.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(transport.sent[1]).toMatchObject({ type: 'submit', inputs: [{ inputId: first.inputId }] });
    transport.receive({ type: 'rejected', inputIds: [first.inputId], error: exhausted });
    await vi.advanceTimersByTimeAsync(199);
    expect(transport.sent).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(transport.sent).toHaveLength(3);
    transport.receive(output(first, 'at last'));
    expect(await results[0]).toBe('at last');
  });

  it('inputs of a map go out again no sooner than the rejection says', async () => {
    vi.useFakeTimers();
    const { inputs } = submit(1, { exhaustedTimes: 0 });
    const details = { retryAfterMs: 7_300 };
    const error = toWireError(new ResourceExhaustedError('too fast', { details }));
    transport.receive({ type: 'rejected', inputIds: [inputs[0]?.inputId ?? ''], error });
    await vi.advanceTimersByTimeAsync(7_299);
    expect(transport.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(transport.sent).toHaveLength(2);
  });

  it.each([[-5], [Number.NaN], ['soon'], [10 ** 12]])(
    'a wait of %j is none that a rejection can ask for',
    async (retryAfterMs) => {
      vi.useFakeTimers();
      const { inputs } = submit(1, { exhaustedTimes: 0 });
      const error = toWireError(new ResourceExhaustedError('too fast', { details: { retryAfterMs } }));
      transport.receive({ type: 'rejected', inputIds: [inputs[0]?.inputId ?? ''], error });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(transport.sent).toHaveLength(2);
    },
  );

  it('a single call fails at once', async () => {
    const { inputs, results } = submit(1);
    transport.receive({ type: 'rejected', inputIds: [inputs[0]?.inputId ?? ''], error: exhausted });
    await expect(results[0]).rejects.toThrow(ResourceExhaustedError);
  });
});

describe('a watched call', () => {
  it('answers all who wait for it', async () => {
    const results = [tracker.watch('fc-1', {}), tracker.watch('fc-1', {})];
    transport.receive(output({ callId: 'fc-1', inputId: 'in-1' } as OpenInput, 'both'));
    expect(await Promise.all(results)).toEqual(['both', 'both']);
    expect(transport.busy).toEqual([true, false]);
  });

  it('that is only polled ends when the server has sent what it has', async () => {
    const result = tracker.watch('fc-1', { timeoutMs: 0 });
    const patient = tracker.watch('fc-1', {});
    const asked = transport.sent[0] as { requestId: number };
    transport.receive({ type: 'answer', requestId: asked.requestId });
    await expect(result).rejects.toThrow('the call "fc-1" has not ended yet');
    transport.receive(output({ callId: 'fc-1', inputId: 'in-1' } as OpenInput, 'late'));
    expect(await patient).toBe('late');
  });

  it('may be given up by time or signal, and asked for again', async () => {
    vi.useFakeTimers();
    const timed = expect(tracker.watch('fc-1', { timeoutMs: 50 })).rejects.toThrow(
      'did not end within 50 ms',
    );
    await vi.advanceTimersByTimeAsync(50);
    await timed;
    const reason = new Error('enough');
    const controller = new AbortController();
    const aborted = tracker.watch('fc-1', { signal: controller.signal });
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(tracker.watch('fc-1', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(transport.busy.at(-1)).toBe(false);
    const again = tracker.watch('fc-1', {});
    transport.receive(output({ callId: 'fc-1', inputId: 'in-1' } as OpenInput, 1));
    expect(await again).toBe(1);
  });
});

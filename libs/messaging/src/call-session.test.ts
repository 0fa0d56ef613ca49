import {
  GantryTimeoutError,
  newCallId,
  newId,
  ResourceExhaustedError,
  type FunctionRecord,
  type InputMessage,
  type OutputMessage,
  type ServerMessage,
} from '@gantry/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { CallSession } from './call-session.ts';
import type { FunctionDirectory } from './function-directory.ts';
import type { Messaging } from './messaging.ts';
import { NO_RATE_LIMIT } from './rate-limit.ts';

const SESSION_KEY = 'abcdef';
const FUNCTION = { name: 'square', methods: [{ name: '', callable: true }], parameters: [] };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A session whose stored outputs a test controls. Nothing is ever heard live. */
function aSession(stored: OutputMessage[], openInputs: number | (() => Promise<number>)) {
  const sent: ServerMessage[] = [];
  const stop = () => undefined;
  const messaging = {
    rate: NO_RATE_LIMIT,
    outputs: {
      watchSession: () => ({ stop }),
      watchCall: () => ({ stop }),
      async *read() {
        yield* stored;
      },
      find: async (_callId: string, index: number) => stored.find((output) => output.index === index),
    },
    inputs: {
      openInputs: async () => (typeof openInputs === 'number' ? openInputs : openInputs()),
      ensurePool: async () => undefined,
      submit: async () => 'duplicate',
    },
  } as unknown as Messaging;
  const session = new CallSession({
    messaging,
    functions: { get: () => ({ spec: FUNCTION }) } as unknown as FunctionDirectory,
    sessionKey: SESSION_KEY,
    send: (message) => sent.push(message),
  });
  return { session, sent, outputs: () => sent.filter(({ type }) => type === 'output') };
}

function anOutput(callId: string, index = 0): OutputMessage {
  return {
    inputId: 'in-1',
    callId,
    index,
    outcome: { type: 'value', value: new Uint8Array([1]) },
    attempt: 0,
    startedAtMs: 0,
    finishedAtMs: 0,
    containerId: 'ta-1',
  };
}

for (const [whose, key] of [
  ['its own', SESSION_KEY],
  ['another session’s', 'ghijkl'],
] as const) {
  test(`an output of ${whose} call that becomes readable just after the await is still sent`, async () => {
    const stored: OutputMessage[] = [];
    const { session, outputs } = aSession(stored, 1);
    const callId = newCallId(key);
    session.receive({ type: 'await', requestId: 1, callId });
    await vi.advanceTimersByTimeAsync(10);
    expect(outputs()).toEqual([]);

    stored.push(anOutput(callId));
    await vi.advanceTimersByTimeAsync(1_000);

    expect(outputs().length).toBeGreaterThan(0);
  });
}

test('the output of an input that was accepted before, and is submitted again, is sent', async () => {
  const callId = newCallId(SESSION_KEY);
  const { session, sent, outputs } = aSession([anOutput(callId)], 0);

  const inputs = [{ inputId: newId('in'), index: 0, args: new Uint8Array([1]) }];
  session.receive({ type: 'submit', callId, functionId: 'fu-1', method: '', kind: 'remote', inputs });
  await vi.advanceTimersByTimeAsync(1_000);

  expect(sent[0]).toMatchObject({ type: 'accepted', inputIds: [inputs[0]?.inputId] });
  expect(outputs().length).toBeGreaterThan(0);
});

test('an await outlasts a broker that does not answer', async () => {
  let isAway = true;
  const callId = newCallId('ghijkl');
  const { session, sent, outputs } = aSession([anOutput(callId)], async () => {
    if (isAway) throw new GantryTimeoutError('inputs of a call: no answer in time');
    return 1;
  });
  session.receive({ type: 'await', requestId: 1, callId });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual([]);

  isAway = false;
  await vi.advanceTimersByTimeAsync(1_000);

  expect(outputs()).toMatchObject([{ callId }]);
  expect(sent.at(-1)).toEqual({ type: 'answer', requestId: 1 });
});

test('of a call only the outputs that are asked for are sent, and what is missing is looked for again', async () => {
  const callId = newCallId(SESSION_KEY);
  const stored = [0, 1, 2].map((index) => anOutput(callId, index));
  const { session, sent, outputs } = aSession(stored, 1);
  session.receive({ type: 'await', requestId: 1, callId, indexes: [2, 3] });
  await vi.advanceTimersByTimeAsync(10);
  expect(outputs()).toMatchObject([{ index: 2 }]);

  stored.push(anOutput(callId, 3));
  await vi.advanceTimersByTimeAsync(300);

  expect(outputs()).toMatchObject([{ index: 2 }, { index: 3 }]);
  session.receive({ type: 'await', requestId: 2, callId, indexes: Array(1_001).fill(0) });
  await vi.advanceTimersByTimeAsync(10);
  expect(sent.at(-1)).toMatchObject({ requestId: 2, error: { code: 'INVALID_ARGUMENT' } });
});

test('a call that is forgotten is not read again', async () => {
  const stored: OutputMessage[] = [];
  const { session, outputs } = aSession(stored, 1);
  const callId = newCallId(SESSION_KEY);
  session.receive({ type: 'await', requestId: 1, callId });
  await vi.advanceTimersByTimeAsync(10);
  session.receive({ type: 'forget', callId });

  stored.push(anOutput(callId));
  await vi.advanceTimersByTimeAsync(10_000);

  expect(outputs()).toEqual([]);
});

test('a call of which nothing is known is answered as unknown', async () => {
  const { session, sent } = aSession([], 0);
  session.receive({ type: 'await', requestId: 7, callId: newCallId(SESSION_KEY) });
  await vi.advanceTimersByTimeAsync(10);

  expect(sent).toMatchObject([{ type: 'answer', requestId: 7, error: { code: 'NOT_FOUND' } }]);
});

/** A session over a queue that takes an input only when the test says so. */
function aSubmittingSession() {
  const sent: ServerMessage[] = [];
  const queue: InputMessage[] = [];
  let release: () => void = () => undefined;
  const isReady = new Promise<void>((resolve) => (release = resolve));
  const stop = () => undefined;
  const rate = { ...NO_RATE_LIMIT };
  const messaging = {
    rate,
    publish: () => undefined,
    outputs: {
      watchSession: () => ({ stop }),
      store: async () => 'stored',
      async *read() {},
    },
    inputs: {
      ensurePool: () => isReady,
      submit: async (_pool: string, input: InputMessage) => void queue.push(input),
      async *readCall() {
        yield* queue;
      },
      purgeCall: async () => void queue.splice(0),
    },
  } as unknown as Messaging;
  const method = { name: '', callable: true, handlerKind: 'async' };
  const record = { spec: { name: 'f', kind: 'function', methods: [method], parameters: [] } };
  const session = new CallSession({
    messaging,
    functions: { get: () => record as unknown as FunctionRecord } as unknown as FunctionDirectory,
    sessionKey: SESSION_KEY,
    send: (message) => sent.push(message),
  });
  const submit = (callId: string, index: number): void =>
    session.receive({
      ...{ type: 'submit', callId, functionId: 'fu-1', method: '', kind: 'map' },
      inputs: [{ inputId: newId('in'), index, args: new Uint8Array([1]) }],
    });
  return { session, sent, queue, submit, release, rate };
}

test('inputs above the rate limit of the workspace are rejected, and count as nothing that waits', async () => {
  const { sent, queue, submit, release, rate } = aSubmittingSession();
  release();
  rate.admit = () => {
    throw new ResourceExhaustedError('too fast');
  };
  for (let index = 0; index < 2_001; index++) {
    submit(newCallId(SESSION_KEY), index);
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(queue).toEqual([]);
  expect(sent[2_000]).toMatchObject({
    type: 'rejected',
    error: { code: 'RESOURCE_EXHAUSTED', message: 'too fast' },
  });

  rate.admit = () => undefined;
  submit(newCallId(SESSION_KEY), 0);
  await vi.advanceTimersByTimeAsync(10);
  expect(queue).toHaveLength(1);
});

test('a cancelled call leaves nothing in the queue, neither what was on its way nor what comes later', async () => {
  const { session, sent, queue, submit, release } = aSubmittingSession();
  const callId = newCallId(SESSION_KEY);
  submit(callId, 0);
  session.receive({ type: 'cancel', requestId: 1, callId });
  release();
  await vi.advanceTimersByTimeAsync(10);
  submit(callId, 1);
  await vi.advanceTimersByTimeAsync(10);

  expect(queue).toEqual([]);
  const rejections = sent.filter((message) => message.type === 'rejected');
  expect(rejections.map(({ error }) => error.code)).toEqual(['CANCELLED', 'CANCELLED']);
  expect(sent.filter(({ type }) => type === 'answer')).toHaveLength(1);
});

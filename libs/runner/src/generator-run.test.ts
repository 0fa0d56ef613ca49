import { decodeValue, encodeValue, STREAM_WINDOW, type Outcome, type RunnerToWorker } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { activeInput } from './current-input.ts';
import { InputLoop } from './input-loop.ts';
import { InputSlots } from './input-slots.ts';
import type { UserCode } from './user-code.ts';

type Value = Extract<RunnerToWorker, { type: 'value' }>;
type Output = Extract<RunnerToWorker, { type: 'output' }>;

function loopOver(handler: () => unknown) {
  const sent: RunnerToWorker[] = [];
  const code: UserCode = {
    handler: () => handler,
    paramTypes: () => [],
    enter: () => Promise.resolve(),
    hasExitHooks: false,
    exit: () => Promise.resolve(),
  };
  const loop = new InputLoop(code, new InputSlots(1), (message) => sent.push(message));
  const args = encodeValue([]);
  loop.run({ type: 'run', inputId: 'in-1', callId: 'fc-1', method: '', args, attempt: 0, stream: true });
  const values = (): unknown[] => sent.filter(isValue).map(({ value }) => decodeValue(value));
  const output = (): Output | undefined =>
    sent.find((message): message is Output => message.type === 'output');
  return { loop, sent, values, outcome: (): Outcome | undefined => output()?.outcome };
}

function isValue(message: RunnerToWorker): message is Value {
  return message.type === 'value';
}

/** Lets everything that is already resolved take its course. */
async function turn(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function* endless(): AsyncGenerator<number> {
  for (let n = 0; ; n++) yield n;
}

describe('a generator in the runner', () => {
  it('sends its values in order, numbered, and then its result', async () => {
    const { loop, sent, values } = loopOver(async function* () {
      yield 'a';
      await turn();
      yield 'b';
      return 'end';
    });
    await loop.idle();
    expect(values()).toEqual(['a', 'b']);
    expect(sent.filter(isValue).map(({ seq }) => seq)).toEqual([0, 1]);
    expect(sent.at(-1)).toMatchObject({
      type: 'output',
      outcome: { type: 'value', value: encodeValue('end') },
    });
  });

  it('may be synchronous', async () => {
    const { loop, values } = loopOver(function* () {
      yield* [1, 2, 3];
    });
    await loop.idle();
    expect(values()).toEqual([1, 2, 3]);
  });

  it('sends what it yielded before it threw, and then the error', async () => {
    const { loop, values, outcome } = loopOver(async function* () {
      yield 1;
      throw new RangeError('no more');
    });
    await loop.idle();
    expect(values()).toEqual([1]);
    expect(outcome()).toMatchObject({ type: 'error', stack: expect.stringContaining('no more') as string });
  });

  it('is at most a window of values ahead of its consumer', async () => {
    const { loop, values } = loopOver(endless);
    await turn();
    expect(values()).toHaveLength(STREAM_WINDOW.values);
    loop.credit('in-1', 10);
    await turn();
    expect(values()).toHaveLength(STREAM_WINDOW.values + 10);
  });

  it('is at most a window of bytes ahead of its consumer', async () => {
    const { loop, values } = loopOver(async function* () {
      for (;;) yield new Uint8Array(STREAM_WINDOW.bytes / 4);
    });
    await turn();
    expect(values()).toHaveLength(4);
    loop.credit('in-1', 2);
    await turn();
    expect(values()).toHaveLength(6);
  });

  it('runs freely up to where a consumer is already', async () => {
    const { loop, values } = loopOver(endless);
    loop.credit('in-1', 100);
    await turn();
    await turn();
    expect(values()).toHaveLength(STREAM_WINDOW.values + 100);
  });

  it('runs its finally blocks when it is aborted, in the context of its input', async () => {
    const seen: unknown[] = [];
    const { loop, outcome } = loopOver(async function* () {
      try {
        yield* endless();
      } finally {
        await turn();
        seen.push(activeInput()?.inputId);
      }
    });
    await turn();
    loop.abort('in-1', 'cancelled');
    await loop.idle();
    expect(seen).toEqual(['in-1']);
    expect(outcome()).toMatchObject({ type: 'failure', failure: { name: 'InputCancellation' } });
  });

  it('does not count as finished when it is aborted while its code waits', async () => {
    let release = (): void => undefined;
    const { loop, outcome } = loopOver(async function* () {
      await new Promise<void>((resolve) => (release = resolve));
      yield 1;
      yield 2;
    });
    await turn();
    loop.abort('in-1', 'timeout');
    release();
    await loop.idle();
    expect(outcome()).toMatchObject({ type: 'failure', failure: { name: 'FunctionTimeoutError' } });
  });

  it('keeps its input in asynchronous context over its whole body', async () => {
    const { loop, values } = loopOver(async function* () {
      yield activeInput()?.inputId;
      await turn();
      yield activeInput()?.inputId;
    });
    await loop.idle();
    expect(values()).toEqual(['in-1', 'in-1']);
  });

  it('fails, with finally blocks run, at a value that cannot be sent', async () => {
    let isClosed = false;
    const { loop, outcome } = loopOver(async function* () {
      try {
        yield 1;
        yield () => 2;
      } finally {
        isClosed = true;
      }
    });
    await loop.idle();
    expect(isClosed).toBe(true);
    expect(outcome()).toMatchObject({ type: 'failure', failure: { name: 'SerializationError' } });
  });

  it('fails if the function returned nothing to iterate over', async () => {
    const { loop, outcome } = loopOver(() => 5);
    await loop.idle();
    expect(outcome()).toMatchObject({ type: 'failure', failure: { name: 'InvalidError' } });
  });
});

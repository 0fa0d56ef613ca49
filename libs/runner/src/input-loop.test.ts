import { decodeValue, encodeValue, type Outcome, type RunnerToWorker } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { activeInput, type ActiveInput } from './current-input.ts';
import { InputLoop } from './input-loop.ts';
import { InputSlots } from './input-slots.ts';
import type { Handler, UserCode } from './user-code.ts';

type Output = Extract<RunnerToWorker, { type: 'output' }>;

function loopOver(handlers: Record<string, Handler>, places = 10) {
  const outputs: Output[] = [];
  const code: UserCode = {
    handler(method) {
      const handler = handlers[method];
      if (!handler) throw new TypeError(`no method ${method}`);
      return handler;
    },
    paramTypes: () => [],
    enter: () => Promise.resolve(),
    hasExitHooks: false,
    exit: () => Promise.resolve(),
  };
  const loop = new InputLoop(code, new InputSlots(places), (message) => outputs.push(message as Output));
  const run = (inputId: string, method: string, ...args: unknown[]): void =>
    loop.run({ type: 'run', inputId, callId: 'fc-1', method, args: encodeValue(args), attempt: 0 });
  return { loop, outputs, run };
}

const valueOf = (outcome: Outcome | undefined): unknown =>
  outcome?.type === 'value' ? decodeValue(outcome.value as Uint8Array) : outcome;

describe('the input loop', () => {
  it('answers a synchronous method in the same turn', () => {
    const { outputs, run } = loopOver({ add: ([a, b]) => (a as number) + (b as number) });
    run('in-1', 'add', 2, 3);
    expect(valueOf(outputs[0]?.outcome)).toBe(5);
  });

  it('answers with what was thrown, error or not', async () => {
    const { loop, outputs, run } = loopOver({
      throws: () => {
        throw new RangeError('too far');
      },
      rejects: () => Promise.reject('just text'),
    });
    run('in-1', 'throws');
    run('in-2', 'rejects');
    await loop.idle();
    const [first, second] = outputs.map((output) => output.outcome);
    expect(first).toMatchObject({ type: 'error', stack: expect.stringContaining('too far') as string });
    expect(second?.type === 'error' && decodeValue(second.error as Uint8Array)).toBe('just text');
  });

  it('fails an input whose result cannot be encoded, or whose method does not exist', () => {
    const { outputs, run } = loopOver({ closure: () => () => 1 });
    run('in-1', 'closure');
    run('in-2', 'missing');
    expect(outputs.map((output) => output.outcome)).toMatchObject([
      { type: 'failure', failure: { name: 'SerializationError' } },
      { type: 'failure' },
    ]);
  });

  it('runs no more at once than there are places', async () => {
    const resolvers: (() => void)[] = [];
    const { outputs, run } = loopOver(
      { wait: () => new Promise<void>((resolve) => resolvers.push(resolve)) },
      1,
    );
    run('in-1', 'wait');
    run('in-2', 'wait');
    expect(resolvers).toHaveLength(1);
    resolvers[0]?.();
    await new Promise(setImmediate);
    expect(resolvers).toHaveLength(2);
    expect(outputs.map((output) => output.inputId)).toEqual(['in-1']);
  });

  it('does not start an input that was aborted while it waited', async () => {
    let release: () => void = () => undefined;
    let started = 0;
    const wait: Handler = () => {
      started++;
      return new Promise<void>((resolve) => (release = resolve));
    };
    const { loop, outputs, run } = loopOver({ wait }, 1);
    run('in-1', 'wait');
    run('in-2', 'wait');
    loop.abort('in-2', 'cancelled');
    release();
    await loop.idle();
    expect(started).toBe(1);
    expect(outputs[1]?.outcome).toMatchObject({ type: 'failure', failure: { name: 'InputCancellation' } });
  });

  it('tells code which input it runs for, and when that is aborted', async () => {
    const { loop, outputs, run } = loopOver({
      async patient() {
        await null;
        const input = activeInput();
        return await new Promise((_, reject) => {
          input?.signal.addEventListener('abort', () => reject(input.signal.reason));
        });
      },
    });
    run('in-1', 'patient');
    await new Promise(setImmediate);
    loop.abort('in-1', 'timeout');
    await loop.idle();
    const outcome = outputs[0]?.outcome;
    expect(outcome?.type === 'error' && decodeValue(outcome.error as Uint8Array)).toMatchObject({
      name: 'FunctionTimeoutError',
    });
  });

  it('counts the value of an interrupted input only if its code never asked for its signal', async () => {
    const { loop, outputs, run } = loopOver({
      deaf: () => new Promise((resolve) => setImmediate(() => resolve('all'))),
      attentive: () =>
        new Promise((resolve) => activeInput()?.signal.addEventListener('abort', () => resolve('half'))),
    });
    run('in-1', 'deaf');
    run('in-2', 'attentive');
    loop.interrupt();
    await loop.idle();
    const outcomes = new Map(outputs.map(({ inputId, outcome }) => [inputId, outcome]));
    expect(valueOf(outcomes.get('in-1'))).toBe('all');
    expect(outcomes.get('in-2')).toMatchObject({ type: 'failure', failure: { name: 'InternalFailure' } });
  });

  it('answers each input once, also when it fails outside its promise', async () => {
    let input: ActiveInput | undefined;
    let resolve: (value: number) => void = () => undefined;
    const odd: Handler = () => {
      input = activeInput();
      return new Promise((given) => (resolve = given));
    };
    const { loop, outputs, run } = loopOver({ odd });
    run('in-1', 'odd');
    expect(loop.fail(input as ActiveInput, new Error('thrown in a timer'))).toBe(true);
    resolve(1);
    await new Promise(setImmediate);
    expect(loop.fail(input as ActiveInput, new Error('again'))).toBe(false);
    expect(outputs).toHaveLength(1);
    expect(outputs[0]?.outcome.type).toBe('error');
  });
});

import { decodeValue, encodeValue, type Outcome, type RunnerToWorker } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { BatchLoop } from './batch-loop.ts';
import { activeInput, type ActiveInput } from './current-input.ts';
import { InputSlots } from './input-slots.ts';
import type { UserCode } from './user-code.ts';

type Output = Extract<RunnerToWorker, { type: 'output' }>;

function loopOver(body: (...lists: unknown[][]) => unknown, places = 1) {
  const outputs: Output[] = [];
  const code: UserCode = {
    handler: () => (lists) => body(...(lists as unknown[][])),
    paramTypes: () => [],
    enter: () => Promise.resolve(),
    hasExitHooks: false,
    exit: () => Promise.resolve(),
  };
  const loop = new BatchLoop(code, new InputSlots(places), (message) => outputs.push(message as Output));
  const run = (members: Record<string, unknown[] | Uint8Array>, lists = 1): void => {
    const inputs = Object.entries(members).map(([inputId, args]) => ({
      inputId,
      callId: 'fc-1',
      attempt: 0,
      args: args instanceof Uint8Array ? args : encodeValue(args),
    }));
    loop.run({ type: 'runBatch', method: 'm', lists, inputs });
  };
  return { loop, outputs, run };
}

const valueOf = (outcome: Outcome | undefined): unknown =>
  outcome?.type === 'value' ? decodeValue(outcome.value as Uint8Array) : outcome;

describe('the batch loop', () => {
  it('gives the body one list for each parameter, and each member its own item', async () => {
    const { loop, outputs, run } = loopOver((xs, ys) => (xs ?? []).map((x, i) => [x, ys?.[i]]));
    run({ 'in-1': [1, 'a'], 'in-2': [2, 'b'] });
    await loop.idle();
    expect(outputs.map(({ inputId }) => inputId)).toEqual(['in-1', 'in-2']);
    expect(outputs.map(({ outcome }) => valueOf(outcome))).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  it('makes a list also of an argument that every caller left out', async () => {
    const { loop, outputs, run } = loopOver((xs, ys) => (xs ?? []).map(() => ys?.length));
    run({ 'in-1': [1], 'in-2': [2] }, 2);
    await loop.idle();
    expect(outputs.map(({ outcome }) => valueOf(outcome))).toEqual([2, 2]);
  });

  it.each([
    [() => [1], 'a list of 1'],
    [() => 'ab', 'no list but string'],
  ])(
    'fails all members if the body returns something else than a list of their length',
    async (body, got) => {
      const { loop, outputs, run } = loopOver(body);
      run({ 'in-1': [], 'in-2': [] });
      await loop.idle();
      const message = `the batched method "m" returned ${got} for a batch of 2`;
      for (const { outcome } of outputs)
        expect(outcome).toMatchObject({ type: 'failure', failure: { name: 'InvalidError', message } });
      expect(outputs).toHaveLength(2);
    },
  );

  it('fails only the member whose arguments or result cannot be coded', async () => {
    const { loop, outputs, run } = loopOver((xs) => (xs ?? []).map((x) => (x === 2 ? () => x : x)));
    run({ 'in-1': [1], 'in-2': [2], 'in-3': new Uint8Array([255, 1, 2]) });
    await loop.idle();
    expect(valueOf(outputs[0]?.outcome)).toBe(1);
    expect(outputs[1]?.outcome).toMatchObject({ failure: { name: 'SerializationError' } });
    expect(outputs[2]?.outcome).toMatchObject({ failure: { name: 'DeserializationError' } });
  });

  it('answers every member with what reading the list throws', async () => {
    const touched = () => {
      throw new Error('touched');
    };
    const { loop, outputs, run } = loopOver(
      () => new Proxy([], { get: (_, key) => key !== 'then' && touched() }),
    );
    run({ 'in-1': [1], 'in-2': [2] });
    await loop.idle();
    expect(outputs.map(({ outcome }) => outcome.type)).toEqual(['error', 'error']);
  });

  it('takes one place for each batch', async () => {
    const { loop, outputs, run } = loopOver(async (xs) => xs);
    run({ 'in-1': [1], 'in-2': [2] });
    run({ 'in-3': [3] });
    await loop.idle();
    expect(outputs.map(({ outcome }) => valueOf(outcome))).toEqual([1, 2, 3]);
  });

  it('aborts the body when all members are cancelled, or one is out of time', async () => {
    const seen: (ActiveInput | undefined)[] = [];
    const { loop, run } = loopOver((xs) => {
      seen.push(activeInput());
      return new Promise((resolve) => setTimeout(resolve, 5, xs));
    }, 2);
    run({ 'in-1': [1], 'in-2': [2] });
    run({ 'in-3': [3], 'in-4': [4] });
    loop.abort('in-1', 'cancelled');
    expect(seen[0]?.signal.aborted).toBe(false);
    loop.abort('in-2', 'cancelled');
    expect(seen[0]?.signal.aborted).toBe(true);
    loop.abort('in-4', 'timeout');
    expect(seen[1]?.signal.reason).toMatchObject({ name: 'FunctionTimeoutError' });
    await loop.idle();
  });

  it('ends the whole batch when its code fails outside its promise', () => {
    let lead: ActiveInput | undefined;
    const { loop, outputs, run } = loopOver(() => {
      lead = activeInput();
      return new Promise(() => undefined);
    });
    run({ 'in-1': [1], 'in-2': [2] });
    expect(lead && loop.fail(lead, new Error('from a timer'))).toBe(true);
    expect(outputs.map(({ outcome }) => outcome.type)).toEqual(['error', 'error']);
    expect(lead && loop.fail(lead, new Error('again'))).toBe(false);
  });
});

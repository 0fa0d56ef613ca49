import {
  decodeValue,
  encodeValue,
  InvalidError,
  NotFoundError,
  OutputExpiredError,
  toWireError,
} from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FakeHost, runOutcome } from './fake-host.fixture.ts';
import { FunctionCall } from './function-call.ts';

const ID = 'fc-0123456789abcdefghijkl';

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost().install();
});
afterEach(() => host.uninstall());

async function finish(callId: string, value: unknown): Promise<void> {
  const outcome = await runOutcome(() => value);
  host.emit({ type: 'output', callId, inputId: 'in-1', index: 0, outcome });
}

describe('a call', () => {
  it('is opened by its id alone', async () => {
    const result = FunctionCall.fromId<number>(ID).get();
    await finish(ID, 5);
    expect(await result).toBe(5);
    expect(() => FunctionCall.fromId('in-0123456789abcdefghijkl')).toThrow(InvalidError);
    expect(() => FunctionCall.fromId(undefined as never)).toThrow('undefined is no call id');
  });

  it('arrives as a call where it is passed as a value', async () => {
    const { call } = decodeValue(encodeValue({ call: FunctionCall.fromId(ID) })) as { call: FunctionCall };
    expect(call).toBeInstanceOf(FunctionCall);
    const result = call.get();
    await finish(ID, 'arrived');
    expect(await result).toBe('arrived');
  });

  it.each([
    [-1, 'timeoutMs must be a number of at least 0, not -1'],
    [NaN, 'not NaN'],
    ['5', 'not "5"'],
    [5n, 'not 5'],
  ])('is not waited for %s milliseconds', async (timeoutMs, message) => {
    await expect(FunctionCall.fromId(ID).get({ timeoutMs: timeoutMs as number })).rejects.toThrow(message);
    expect(host.sent).toEqual([]);
  });

  it.each([2 ** 31, 1e15, Infinity])(
    'is waited for %d milliseconds, which no timer can hold',
    async (timeoutMs) => {
      vi.useFakeTimers();
      try {
        const result = FunctionCall.fromId(ID).get({ timeoutMs });
        await vi.advanceTimersByTimeAsync(24 * 3600 * 1000);
        await finish(ID, 'at last');
        await vi.advanceTimersByTimeAsync(0);
        expect(await result).toBe('at last');
      } finally {
        vi.useRealTimers();
      }
    },
  );

  it.each([
    ['a list of calls', [FunctionCall.fromId(ID)], 'FunctionCall.gather(...calls)'],
    ['a call that is not there yet', Promise.resolve(FunctionCall.fromId(ID)), 'await square.spawn(3)'],
    ['no call', 5, 'spawn'],
    ['nothing', undefined, 'spawn'],
  ])('cannot be gathered with %s', async (_, other, hint) => {
    const gathered = FunctionCall.gather(FunctionCall.fromId(ID), other as never);
    await expect(gathered).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'argument 2 of FunctionCall.gather is no call',
      hint: expect.stringContaining(hint) as string,
    });
    expect(host.sent).toEqual([]);
  });

  it('that ended more than 7 days ago is an OutputExpiredError', async () => {
    const result = FunctionCall.fromId(ID).get();
    await expect.poll(() => host.sent.length).toBe(1);
    const error = toWireError(new OutputExpiredError('older than 7 days'));
    host.emit({ type: 'answer', requestId: (host.sent[0] as { requestId: number }).requestId, error });
    await expect(result).rejects.toThrow(OutputExpiredError);
  });

  it('is checked when it is hydrated, and tells of its graph', async () => {
    const call = FunctionCall.fromId(ID);
    expect(call.objectId).toBe(ID);
    const answer = async (reply: object) => {
      await expect.poll(() => host.sent.length).toBe(1);
      const { requestId } = host.sent.pop() as { requestId: number };
      host.emit({ type: 'answer', requestId, ...reply });
    };
    const graph = call.getCallGraph();
    await answer({ value: [{ inputId: 'in-1' }] });
    expect(await graph).toEqual([{ inputId: 'in-1' }]);
    const missing = call.hydrate();
    await answer({ error: toWireError(new NotFoundError('no such call')) });
    await expect(missing).rejects.toThrow(NotFoundError);
  });

  it('gathered with others gives results in the order of the arguments', async () => {
    const ids = ['fc-0000000000000000000001', 'fc-0000000000000000000002'];
    const [one, two] = ids.map((id) => FunctionCall.fromId<string>(id)) as [
      FunctionCall<string>,
      FunctionCall<string>,
    ];
    const results = FunctionCall.gather(one, two);
    await finish(two.id, 'second');
    await finish(one.id, 'first');
    expect(await results).toEqual(['first', 'second']);
  });

  it('gathered with others fails with the first that fails', async () => {
    const ids = ['fc-0000000000000000000003', 'fc-0000000000000000000004'];
    const gathered = FunctionCall.gather(...ids.map((id) => FunctionCall.fromId(id)));
    const outcome = await runOutcome(() => Promise.reject(new RangeError('second')));
    host.emit({ type: 'output', callId: ids[1] as string, inputId: 'in-1', index: 0, outcome });
    await expect(gathered).rejects.toThrow(RangeError);
  });

  it('refuses a timeout that is none', async () => {
    await expect(FunctionCall.fromId(ID).get({ timeoutMs: -1 })).rejects.toThrow(InvalidError);
    await expect(FunctionCall.fromId(ID).get({ timeoutMs: NaN })).rejects.toThrow(InvalidError);
    await expect(FunctionCall.fromId(ID).get({ timeout: 5 } as never)).rejects.toThrow(
      'there is no option "timeout"',
    );
  });
});

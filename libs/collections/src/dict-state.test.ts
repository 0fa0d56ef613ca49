import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type DictRecord, DictState } from './dict-state.ts';
import { Replay } from './replay.fixture.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function keyOf(id: string) {
  return { id, bytes: new Uint8Array([id.length]) };
}

function valueOf(byte: number) {
  return new Uint8Array([byte]);
}

function contents(state: DictState, nowMs: number): [string, unknown][] {
  return state.page(0, nowMs).entries.map(({ id, kept }) => [id, kept.payload]);
}

describe('the entries of a dict', () => {
  it('are those of a map, whatever is done, and the same when the journal is read again', () => {
    const operation = fc.record({
      do: fc.constantFrom('put', 'putNew', 'remove', 'clear', 'restate', 'trim'),
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.nat(255),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const replay = new Replay(new DictState());
        const model = new Map<string, number>();
        operations.forEach(({ do: what, key, value }, index) => {
          // A minute passes each time, so that trimming has something to do.
          const as = { op: `op${index}`, nowMs: index * 61_000 };
          const { state } = replay;
          if (what === 'put' || what === 'putNew') {
            const skipIfExists = what === 'putNew';
            const isWritten = !(skipIfExists && model.has(key));
            const decision = state.put({ key: keyOf(key), value: valueOf(value), skipIfExists }, as);
            expect(decision.answer).toBe(isWritten);
            replay.append(decision.records, as.nowMs);
            if (isWritten) model.set(key, value);
          } else if (what === 'remove') {
            const { answer, records } = state.remove(key, as);
            expect(answer?.payload).toEqual(model.has(key) ? valueOf(model.get(key) ?? 0) : undefined);
            replay.append(records, as.nowMs);
            model.delete(key);
          } else if (what === 'clear') {
            replay.append(state.clear().records, as.nowMs);
            model.clear();
          } else if (what === 'restate') replay.restateOldest(as.nowMs);
          else replay.trim(as.nowMs);
          const expected = [...model].map(([id, byte]) => [id, valueOf(byte)]);
          expect(new Map(contents(state, as.nowMs) as never)).toEqual(new Map(expected as never));
          expect(contents(replay.readAgain(new DictState(), as.nowMs), as.nowMs)).toEqual(
            contents(state, as.nowMs),
          );
        });
      }),
      { numRuns: 200 },
    );
  });

  it('are over 7 days after they were last read or written, up to an hour later, and not before', () => {
    const replay = new Replay(new DictState());
    const put = replay.state.put({ key: keyOf('a'), value: valueOf(1) }, { op: 'x', nowMs: 0 });
    replay.append(put.records, 0);
    expect(replay.state.get('a', HOUR / 2)).toMatchObject({ answer: { id: 'a' }, records: [] });
    expect(replay.state.get('a', 7 * DAY + HOUR / 2).answer).toBeDefined();
    expect(replay.state.get('a', 7 * DAY + HOUR).answer).toBeUndefined();
    expect(replay.state.expire(7 * DAY + HOUR)).toEqual([{ del: 'a' }]);
    const touched = replay.state.get('a', 6 * DAY).records;
    expect(touched).toEqual([{ touch: 'a', atMs: 6 * DAY }]);
    replay.append(touched, 6 * DAY);
    expect(replay.state.get('a', 12 * DAY).answer).toBeDefined();
    expect(replay.readAgain(new DictState(), 12 * DAY).get('a', 12 * DAY).answer).toBeDefined();
  });

  it('answer for a minute what was done already as it was answered first', () => {
    const replay = new Replay(new DictState());
    const put = () =>
      replay.state.put({ key: keyOf('a'), value: valueOf(1), skipIfExists: true }, { op: 'x', nowMs: 0 });
    replay.append(put().records, 0);
    expect(put()).toEqual({ answer: true, records: [] });
    const removal = replay.state.remove('a', { op: 'y', nowMs: 0 });
    replay.append(removal.records, 0);
    expect(replay.state.remove('a', { op: 'y', nowMs: 1 })).toEqual({ answer: removal.answer, records: [] });
    expect(replay.state.remove('a', { op: 'z', nowMs: 1 }).answer).toBeUndefined();
    const again = replay.readAgain(new DictState(), 2);
    expect(again.remove('a', { op: 'y', nowMs: 2 }).answer?.payload).toEqual(valueOf(1));
  });

  it('are paged in the order of their insertion, however they change', () => {
    const replay = new Replay(new DictState());
    for (let index = 0; index < 5_000; index++) {
      const put = replay.state.put(
        { key: keyOf(`k${index}`), value: valueOf(1) },
        { op: `o${index}`, nowMs: 0 },
      );
      replay.append(put.records, 0);
    }
    const first = replay.state.page(0, 0);
    expect(first.entries).toHaveLength(2_000);
    const again = replay.state.put({ key: keyOf('k0'), value: valueOf(2) }, { op: 'again', nowMs: 0 });
    replay.append(again.records, 0);
    const second = replay.state.page(first.after ?? 0, 0);
    expect(second.entries[0]?.id).toBe('k2000');
    const third = replay.state.page(second.after ?? 0, 0);
    expect([third.entries.length, third.after]).toEqual([1_000, undefined]);
  });

  it('refuse more than 10,000 at once', () => {
    const entries = Array.from({ length: 10_001 }, (_, index) => ({
      key: keyOf(`${index}`),
      value: valueOf(0),
    }));
    expect(() => new DictState().update(entries, { op: 'x', nowMs: 0 })).toThrow('10000');
  });
});

describe('a journal', () => {
  it('is written again from its beginning when most of it is in vain', () => {
    const replay = new Replay<DictRecord, DictState>(new DictState());
    const big = new Uint8Array(400_000);
    const put = (id: string, op: string) =>
      replay.append(replay.state.put({ key: keyOf(id), value: big }, { op, nowMs: 0 }).records, 0);
    put('old', 'first');
    for (let index = 0; index < 8; index++) put('new', `n${index}`);
    expect(replay.state.space.wasteful()).toHaveLength(1);
    expect(replay.state.space.trim(100_000)).toBeUndefined();
    replay.restateOldest(100_000);
    replay.trim(200_000);
    expect(replay.messages.length).toBeLessThan(4);
    const again = replay.readAgain(new DictState(), 200_000);
    expect([again.size, contents(again, 200_000)[0]?.[0]]).toEqual([2, 'old']);
  });
});

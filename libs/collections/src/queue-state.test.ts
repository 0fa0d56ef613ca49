import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type QueueRecord, QueueState } from './queue-state.ts';
import { Replay } from './replay.fixture.ts';

const DAY = 24 * 3_600_000;

type QueueReplay = Replay<QueueRecord, QueueState>;

function put(replay: QueueReplay, partition: string, bytes: number[], op = `op${Math.random()}`, nowMs = 0) {
  const values = bytes.map((byte) => new Uint8Array([byte]));
  const { answer, records } = replay.state.put({ partition, values, ttlMs: DAY }, { op, nowMs });
  replay.append(records, nowMs);
  return answer;
}

function newReplay(): QueueReplay {
  return new Replay(new QueueState());
}

function shown(state: QueueState, partition: string, nowMs = 0): number[] {
  return state
    .peek({ partition, count: 10_000, after: 0 }, nowMs)
    .items.map(({ kept }) => (kept.payload as Uint8Array)[0] ?? -1);
}

interface Operation {
  do: 'put' | 'take' | 'confirm' | 'release' | 'clear' | 'restate' | 'trim';
  partition: string;
  count: number;
  pick: number;
}

/** A request for one item, which it names, as it does its loan. */
const one = (op: string) => ({ partition: '', count: 1, op, loan: op });

/** What a queue is held against: the items that wait in each partition, and those that are lent. */
class QueueModel {
  readonly #replay = newReplay();
  readonly #waiting: Record<string, number[]> = { '': [], p: [] };
  readonly #lent = new Map<string, { partition: string; bytes: number[] }>();
  #next = 0;

  perform({ do: what, partition, count, pick }: Operation, index: number): void {
    const nowMs = index * 61_000;
    const [take] = [...this.#lent.keys()].slice(pick % Math.max(1, this.#lent.size));
    const acts = {
      put: () => {
        const bytes = Array.from({ length: count }, () => this.#next++);
        expect(put(this.#replay, partition, bytes, `put${index}`, nowMs)).toBe(true);
        this.#waiting[partition]?.push(...bytes);
      },
      take: () => {
        const from = { partition, count, op: `take${index}`, loan: `take${index}` };
        const { items } = this.#replay.state.take(from, nowMs);
        const bytes = items.map(({ kept }) => (kept.payload as Uint8Array)[0] ?? -1);
        expect(bytes).toEqual(this.#waiting[partition]?.splice(0, count));
        if (bytes.length > 0) this.#lent.set(`take${index}`, { partition, bytes });
      },
      confirm: () => {
        if (take === undefined) return;
        const { answer, records } = this.#replay.state.confirm(take);
        expect(answer).toBe(true);
        this.#replay.append(records, nowMs);
        this.#lent.delete(take);
      },
      release: () => {
        if (take === undefined) return;
        const lent = this.#lent.get(take);
        expect(this.#replay.state.release(take)).toBe(lent?.partition);
        this.#lent.delete(take);
        // Back in their places, which are before all that was put later.
        this.#waiting[lent?.partition ?? ''] = inOrder([
          ...(this.#waiting[lent?.partition ?? ''] ?? []),
          ...(lent?.bytes ?? []),
        ]);
      },
      clear: () => {
        this.#replay.append(this.#replay.state.clear(partition).records, nowMs);
        this.#waiting[partition] = [];
        for (const [name, lent] of [...this.#lent]) if (lent.partition === partition) this.#lent.delete(name);
      },
      restate: () => this.#replay.restateOldest(nowMs),
      trim: () => this.#replay.trim(nowMs),
    };
    acts[what]();
  }

  check(nowMs: number): void {
    const again = this.#replay.readAgain(new QueueState(), nowMs);
    for (const [name, waiting] of Object.entries(this.#waiting)) {
      expect(shown(this.#replay.state, name, nowMs)).toEqual(waiting);
      expect(this.#replay.state.size(name, nowMs)).toBe(waiting.length);
      const lent = [...this.#lent.values()].filter(({ partition }) => partition === name);
      expect(shown(again, name, nowMs)).toEqual(inOrder([...waiting, ...lent.flatMap(({ bytes }) => bytes)]));
    }
  }
}

function inOrder(bytes: number[]): number[] {
  return bytes.sort((left, right) => left - right);
}

describe('the items of a queue', () => {
  it('are handed out in order, and confirmed once, whatever is done; what was not confirmed is there again when the journal is read', () => {
    const operation = fc.record({
      do: fc.constantFrom<Operation['do'][]>(
        'put',
        'put',
        'take',
        'confirm',
        'release',
        'clear',
        'restate',
        'trim',
      ),
      partition: fc.constantFrom('', 'p'),
      count: fc.integer({ min: 1, max: 3 }),
      pick: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const model = new QueueModel();
        operations.forEach((operation, index) => {
          model.perform(operation, index);
          model.check(index * 61_000);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('come back 10 s after they were handed out to who does not confirm them, to their old place', () => {
    const replay = newReplay();
    put(replay, '', [1, 2]);
    const { state } = replay;
    expect(state.take(one('a'), 0).items).toHaveLength(1);
    // Whoever asks again under the same name gets the same, for as long again.
    expect(state.take({ ...one('a'), loan: 'b' }, 5_000)).toMatchObject({
      items: [{ number: 1 }],
      loan: 'a',
    });
    expect(state.releaseLate(14_999)).toEqual([]);
    expect(state.releaseLate(15_000)).toEqual(['']);
    expect(shown(state, '')).toEqual([1, 2]);
    expect(state.confirm('a')).toEqual({ answer: false, records: [] });
  });

  it('are not confirmed by who was handed others for the same request: each loan has a name of its own', () => {
    const replay = newReplay();
    put(replay, '', [1, 2]);
    const { state } = replay;
    state.take(one('before'), 0);
    // Another keeper, or this one after the time was over, was asked again, and meanwhile the first item went elsewhere.
    state.releaseLate(10_000);
    state.take(one('elsewhere'), 10_000);
    expect(state.take({ ...one('before'), loan: 'after' }, 10_000).items[0]?.number).toBe(2);
    expect(state.confirm('before')).toEqual({ answer: false, records: [] });
    replay.append(state.confirm('after').records, 10_000);
    expect(state.confirm('before').answer).toBe(false);
    expect(state.confirm('elsewhere').answer).toBe(true);
  });

  it('are no more than 5,000 in a partition, those included that are handed out', () => {
    const replay = newReplay();
    expect(
      put(
        replay,
        '',
        Array.from({ length: 5_000 }, () => 1),
      ),
    ).toBe(true);
    replay.state.take({ ...one('a'), count: 10 }, 0);
    expect(put(replay, '', [1])).toBe(false);
    expect(put(replay, 'other', [1])).toBe(true);
    replay.append(replay.state.confirm('a').records, 0);
    expect(
      put(
        replay,
        '',
        Array.from({ length: 10 }, () => 1),
      ),
    ).toBe(true);
    expect(() =>
      put(
        replay,
        '',
        Array.from({ length: 5_001 }, () => 1),
      ),
    ).toThrow('5000');
  });

  it('are in no more than 100,000 partitions', () => {
    const replay = newReplay();
    const value = new Uint8Array([1]);
    const records = Array.from({ length: 100_000 }, (_, index) => ({
      ...{ put: `p${index}`, first: index + 1, values: [value] },
      ...{ atMs: 0, ttlMs: DAY },
    }));
    replay.append(records, 0);
    expect(() => put(replay, 'another', [1])).toThrow('100000 partitions');
    expect(put(replay, 'p7', [1])).toBe(true);
    expect(replay.state.size(undefined, 0)).toBe(100_001);
  });

  it('are gone when the time of their partition is over, counted from its last put; that put says how long', () => {
    const replay = newReplay();
    const { state } = replay;
    const putFor = (ttlMs: number, nowMs: number) =>
      replay.append(
        state.put({ partition: '', values: [new Uint8Array([1])], ttlMs }, { op: `${nowMs}`, nowMs }).records,
        nowMs,
      );
    putFor(1_000, 0);
    putFor(1_000, 900);
    expect(state.size('', 1_899)).toBe(2);
    expect(state.size('', 1_900)).toBe(0);
    expect(state.take(one('x'), 1_900).items).toEqual([]);
    expect(state.expire(1_900)).toEqual([{ clear: '' }]);
    putFor(5_000, 2_000);
    expect(shown(state, '', 6_999)).toEqual([1]);
    replay.restateOldest(6_000);
    expect(replay.readAgain(new QueueState(), 7_000).size('', 7_000)).toBe(0);
  });

  it('are put once and confirmed once, however often that is asked for', () => {
    const replay = newReplay();
    put(replay, '', [1], 'same');
    put(replay, '', [1], 'same');
    expect(shown(replay.state, '')).toEqual([1]);
    replay.state.take(one('a'), 0);
    replay.append(replay.state.confirm('a').records, 0);
    expect(replay.state.confirm('a')).toEqual({ answer: true, records: [] });
    const again = replay.readAgain(new QueueState(), 0);
    expect(again.confirm('a').answer).toBe(true);
    expect(
      again.put({ partition: '', values: [new Uint8Array([1])], ttlMs: DAY }, { op: 'same', nowMs: 0 })
        .records,
    ).toEqual([]);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { AssignedInput } from './assigned-input.ts';
import type { ValueStream } from './value-stream.ts';
import { InputBench, NotedDelivery, NotedTaker } from './input-doubles.ts';

let bench: InputBench;
beforeEach(() => {
  bench = new InputBench();
});
afterEach(() => bench.watch.close());

function running(): { input: AssignedInput; delivery: NotedDelivery } {
  const taker = new NotedTaker('ta-1', 1);
  bench.feed.add(taker);
  const delivery = bench.deliver();
  return { input: taker.taken[0] as AssignedInput, delivery };
}

const unexpected = (): void => {
  throw new Error('an input that goes on was to begin again');
};

const pass = async (ms: number): Promise<void> => {
  bench.clock.nowMs += ms;
  bench.watch.sweep();
  // What the broker answered is heard before the next turn.
  await new Promise((resolve) => setImmediate(resolve));
};

describe('the watch over inputs', () => {
  it('extends leases long before they end, and not at each sweep', async () => {
    const { delivery } = running();
    for (let elapsed = 0; elapsed < 6_000; elapsed += 100) await pass(100);
    expect(delivery.done).toEqual(['extend', 'extend']);
  });

  it('gives an input up for lost after a pause longer than its lease, and extends it no more', async () => {
    const { input, delivery } = running();
    await pass(8_001);
    await pass(3_000);
    expect(bench.lost).toEqual([input]);
    expect(delivery.done).toEqual([]);
    expect(bench.watch.holdsLease(input)).toBe(false);
  });

  it('gives an input up for lost when the broker was not heard of for as long as its lease, however late it answers', async () => {
    const { input, delivery } = running();
    let answer: () => void = () => undefined;
    delivery.extending = new Promise((resolve) => (answer = resolve));
    for (let elapsed = 0; elapsed < 8_000; elapsed += 100) await pass(100);
    expect(bench.watch.holdsLease(input)).toBe(true);
    expect(delivery.done).toEqual(['extend', 'extend', 'extend']);
    bench.clock.nowMs += 50;
    answer();
    await pass(100);
    expect(bench.lost).toEqual([input]);
  });

  it('tells the broker soon again that could not be told, and keeps the input if that is in time', async () => {
    const { input, delivery } = running();
    delivery.extending = Promise.reject(new Error('cut off'));
    delivery.extending.catch(() => undefined);
    for (let elapsed = 0; elapsed < 3_600; elapsed += 100) await pass(100);
    expect(delivery.done).toEqual(['extend', 'extend', 'extend']);
    delivery.extending = Promise.resolve();
    for (let elapsed = 0; elapsed < 5_000; elapsed += 100) await pass(100);
    expect(bench.lost).toEqual([]);
    expect(bench.watch.holdsLease(input)).toBe(true);
  });

  it('goes on with a lost input that is delivered here again', async () => {
    const { input } = running();
    await pass(8_001);
    const again = new NotedDelivery({}, 2);
    expect(bench.watch.adopt(again, unexpected)).toBe(true);
    expect(input.delivery).toBe(again);
    expect(bench.watch.holdsLease(input)).toBe(true);
  });

  it('gives up a lost generator that is not delivered here again, and no other input', async () => {
    const { input } = running();
    input.stream = {} as ValueStream;
    await pass(8_001);
    await pass(9_000);
    expect(bench.forlorn).toEqual([]);
    await pass(1_100);
    expect(bench.forlorn).toEqual([input]);
    input.stream = undefined;
    await pass(100);
    expect(bench.forlorn).toHaveLength(1);
  });

  it('does not give up a lost generator that was delivered here again', async () => {
    const { input } = running();
    input.stream = {} as ValueStream;
    await pass(8_001);
    bench.watch.adopt(new NotedDelivery({}, 2), unexpected);
    for (let elapsed = 0; elapsed < 20_000; elapsed += 100) await pass(100);
    expect(bench.forlorn).toEqual([]);
  });

  it('has the next attempt of an input run as soon as the one before it is over', async () => {
    const { input, delivery } = running();
    const taker = new NotedTaker('ta-2', 1);
    bench.feed.add(taker);
    const next = bench.deliver({ attempt: 1 });
    await bench.settle();
    expect(input.delivery).toBe(delivery);
    expect(taker.taken).toEqual([]);
    input.occupying = false;
    bench.settlement.answered(input);
    await bench.settle();
    expect(taker.taken.map(({ message }) => message.attempt)).toEqual([1]);
    expect(next.done).toEqual([]);
  });

  it('gives the next attempt back for later when the one before it does not end soon', async () => {
    running();
    const next = bench.deliver({ attempt: 1 });
    await pass(900);
    expect(next.done).toEqual([]);
    await pass(100);
    await pass(100);
    expect(next.done).toEqual(['retryAfter 2500']);
  });

  it('keeps one delivery that waits for the end of an input, and gives further ones back for later', () => {
    running();
    const [next, again] = [bench.deliver({ attempt: 1 }), bench.deliver({ attempt: 1 }, 2)];
    expect([next.done, again.done]).toEqual([[], ['retryAfter 2500']]);
  });

  it('gives back what waits when it is closed', () => {
    running();
    const next = bench.deliver({ attempt: 1 });
    bench.watch.close();
    expect(next.done).toEqual(['retryNow']);
  });

  it('reports inputs over their deadline while their code runs', async () => {
    const { input } = running();
    input.deadlineMs = bench.clock.nowMs + 50;
    await pass(49);
    expect(bench.overdue).toEqual([]);
    await pass(1);
    expect(bench.overdue).toEqual([input]);
    input.occupying = false;
    await pass(100);
    expect(bench.overdue).toHaveLength(1);
  });

  it('forgets an input when it is settled and its code has ended, in either order', async () => {
    const { input } = running();
    bench.settlement.giveBack(input);
    expect(bench.watch.size).toBe(1);
    input.occupying = false;
    bench.watch.releaseIfDone(input);
    expect(bench.watch.size).toBe(0);
  });
});

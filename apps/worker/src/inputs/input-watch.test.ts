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

const pass = (ms: number): void => {
  bench.clock.nowMs += ms;
  bench.watch.sweep();
};

describe('the watch over inputs', () => {
  it('extends leases long before they end, and not at each sweep', () => {
    const { delivery } = running();
    for (let elapsed = 0; elapsed < 6_000; elapsed += 100) pass(100);
    expect(delivery.done).toEqual(['extend', 'extend']);
  });

  it('gives an input up for lost after a pause longer than its lease, and extends it no more', () => {
    const { input, delivery } = running();
    pass(8_001);
    pass(3_000);
    expect(bench.lost).toEqual([input]);
    expect(delivery.done).toEqual([]);
    expect(bench.watch.holdsLease(input)).toBe(false);
  });

  it('goes on with a lost input that is delivered here again', () => {
    const { input } = running();
    pass(8_001);
    const again = new NotedDelivery({}, 2);
    expect(bench.watch.adopt(again)).toBe(true);
    expect(input.delivery).toBe(again);
    expect(bench.watch.holdsLease(input)).toBe(true);
  });

  it('gives up a lost generator that is not delivered here again, and no other input', () => {
    const { input } = running();
    input.stream = {} as ValueStream;
    pass(8_001);
    pass(9_000);
    expect(bench.forlorn).toEqual([]);
    pass(1_100);
    expect(bench.forlorn).toEqual([input]);
    input.stream = undefined;
    pass(100);
    expect(bench.forlorn).toHaveLength(1);
  });

  it('does not give up a lost generator that was delivered here again', () => {
    const { input } = running();
    input.stream = {} as ValueStream;
    pass(8_001);
    bench.watch.adopt(new NotedDelivery({}, 2));
    for (let elapsed = 0; elapsed < 20_000; elapsed += 100) pass(100);
    expect(bench.forlorn).toEqual([]);
  });

  it('does not continue one attempt with the delivery of another', () => {
    const { input, delivery } = running();
    const next = new NotedDelivery({ attempt: 1 }, 1);
    expect(bench.watch.adopt(next)).toBe(true);
    expect(next.done).toEqual(['retryAfter 2500']);
    expect(input.delivery).toBe(delivery);
  });

  it('reports inputs over their deadline while their code runs', () => {
    const { input } = running();
    input.deadlineMs = bench.clock.nowMs + 50;
    pass(49);
    expect(bench.overdue).toEqual([]);
    pass(1);
    expect(bench.overdue).toEqual([input]);
    input.occupying = false;
    pass(100);
    expect(bench.overdue).toHaveLength(1);
  });

  it('forgets an input when it is settled and its code has ended, in either order', () => {
    const { input } = running();
    bench.settlement.giveBack(input);
    expect(bench.watch.size).toBe(1);
    input.occupying = false;
    bench.watch.releaseIfDone(input);
    expect(bench.watch.size).toBe(0);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { InputBench, NotedTaker } from './input-doubles.ts';

let bench: InputBench;
beforeEach(() => {
  bench = new InputBench();
});
afterEach(() => bench.watch.close());

describe('a pool feed', () => {
  it('asks for as many inputs as there are free places', () => {
    bench.feed.add(new NotedTaker('ta-1', 3));
    bench.feed.add(new NotedTaker('ta-2', 2));
    expect(bench.outstanding).toBe(5);
    expect(bench.pullsOpen).toBe(1);
  });

  it('gives each input to the container that has the fewest', () => {
    const [one, two] = [new NotedTaker('ta-1', 3), new NotedTaker('ta-2', 3)];
    bench.feed.add(one);
    bench.feed.add(two);
    for (let index = 0; index < 4; index++) bench.deliver({ inputId: `in-${index}`, index });
    expect([one.running, two.running]).toEqual([2, 2]);
  });

  it('asks for one more when a place gets free', () => {
    const taker = new NotedTaker('ta-1', 1);
    bench.feed.add(taker);
    bench.deliver();
    bench.feed.balance();
    expect(bench.outstanding).toBe(0);
    taker.taken.pop();
    bench.feed.balance();
    expect(bench.outstanding).toBe(1);
  });

  it('holds what finds no place, and hands it over when one gets free', () => {
    const taker = new NotedTaker('ta-1', 1);
    bench.feed.add(taker);
    taker.places = 0;
    bench.deliver();
    expect(taker.taken).toHaveLength(0);
    taker.places = 1;
    bench.feed.balance();
    expect(taker.taken).toHaveLength(1);
    expect(bench.outstanding).toBe(0);
  });

  it('gives held inputs back when no place gets free soon, or the last container goes', () => {
    const taker = new NotedTaker('ta-1', 2);
    bench.feed.add(taker);
    taker.places = 0;
    const first = bench.deliver({ inputId: 'in-1' });
    bench.clock.nowMs += 600;
    bench.watch.sweep();
    expect(first.done).toEqual(['retryNow']);
    const second = bench.deliver({ inputId: 'in-2' });
    bench.feed.remove(taker);
    expect(second.done).toEqual(['retryNow']);
    expect(bench.pullsOpen).toBe(0);
    expect(bench.watch.size).toBe(0);
  });

  it('leaves to others what it asked for, once an input found no place after all', () => {
    const taker = new NotedTaker('ta-1', 4);
    bench.feed.add(taker);
    expect(bench.outstanding).toBe(4);
    // Its event loop stands still, say.
    taker.places = 0;
    const delivery = bench.deliver();
    bench.clock.nowMs += 500;
    bench.feed.sweep(bench.clock.nowMs);
    expect([delivery.done, bench.outstanding]).toEqual([['retryNow'], 0]);
    taker.places = 4;
    bench.feed.balance();
    expect(bench.outstanding).toBe(4);
  });

  it('sends an input away until its time has come', () => {
    bench.feed.add(new NotedTaker('ta-1', 1));
    const delivery = bench.deliver({ notBeforeMs: bench.clock.nowMs + 750 });
    expect(delivery.done).toEqual(['retryAfter 750']);
    expect(bench.outstanding).toBe(1);
  });

  it('only acknowledges a repeated input that has its output already', async () => {
    const taker = new NotedTaker('ta-1', 1);
    bench.feed.add(taker);
    bench.deliver({ inputId: 'in-1' });
    const input = taker.taken.pop();
    if (!input) throw new Error('not taken');
    input.occupying = false;
    const times = { startedAtMs: 1, finishedAtMs: 2 };
    bench.settlement.finished(input, taker, {
      outcome: { type: 'value', value: new Uint8Array([1]) },
      times,
    });
    await bench.settle();
    bench.feed.balance();
    const again = bench.deliver({ inputId: 'in-1' }, 2);
    await bench.settle();
    expect(again.done).toEqual(['ack']);
    expect(taker.taken).toHaveLength(0);
  });

  it('runs a repeated input that has no output', async () => {
    const taker = new NotedTaker('ta-1', 1);
    bench.feed.add(taker);
    bench.deliver({}, 2);
    expect(bench.outstanding).toBe(0);
    await bench.settle();
    expect(taker.taken).toHaveLength(1);
    expect(bench.outstanding).toBe(0);
  });

  it('answers inputs of a cancelled call without running them', async () => {
    const taker = new NotedTaker('ta-1', 2);
    bench.feed.add(taker);
    taker.places = 0;
    const held = bench.deliver({ inputId: 'in-1', index: 0 });
    bench.cancelled.add('fc-1');
    bench.feed.cancelHeld('fc-1');
    const late = bench.deliver({ inputId: 'in-2', index: 1 });
    await bench.settle();
    expect([held.done, late.done]).toEqual([['ack'], ['ack']]);
    expect(bench.stored.map((output) => output.outcome)).toMatchObject([
      { failure: { name: 'InputCancellation' } },
      { failure: { name: 'InputCancellation' } },
    ]);
  });
});

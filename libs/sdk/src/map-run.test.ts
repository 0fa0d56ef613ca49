import { UserCodeError } from '@gantry/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { FakeHost } from './fake-host.fixture.ts';
import { RemoteFunction } from './remote-function.ts';

let host: FakeHost;
beforeEach(() => {
  host = new FakeHost().install();
});
afterEach(() => host.uninstall());

function handle<TFunction extends (...args: never[]) => unknown>(run: TFunction) {
  host.add('maths', { name: 'run' }, (args) => run(...(args as never[])));
  return RemoteFunction.fromName<TFunction>('maths', 'run');
}

async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const result of results) all.push(result);
  return all;
}

function* count(to: number, onPull: (n: number) => void = () => undefined): Generator<number> {
  for (let n = 0; n < to; n++) {
    onPull(n);
    yield n;
  }
}

/** Gives some values and then waits, until it is closed. */
class NeverEnding {
  isClosed = false;

  from<T>(values: T[]): AsyncIterable<T> {
    const rest = [...values];
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          rest.length > 0
            ? Promise.resolve({ done: false, value: rest.shift() as T })
            : new Promise(() => undefined),
        return: () => {
          this.isClosed = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
  }
}

/** Resolves in the order of the given delays, in turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

describe('map', () => {
  it('gives results in the order of the inputs', async () => {
    const slowFirst = handle(async (x: number) => (await turns(5 - x), x * 10));
    expect(await collect(slowFirst.map([0, 1, 2, 3]))).toEqual([0, 10, 20, 30]);
  });

  it('gives results as they come when told to', async () => {
    const slowFirst = handle(async (x: number) => (await turns(9 - 2 * x), x));
    expect(await collect(slowFirst.map([0, 1, 2, 3], { orderOutputs: false }))).toEqual([3, 2, 1, 0]);
  });

  it('zips several iterables, sync and async, until the shortest ends', async () => {
    async function* letters() {
      yield* ['a', 'b'];
    }
    const join = handle((n: number, letter: string) => `${letter}${n}`);
    expect(await collect(join.map(count(1e9), letters()))).toEqual(['a0', 'b1']);
    expect(await collect(join.starmap([[1, 'x']]))).toEqual(['x1']);
    expect(await collect(join.map([1, 2], 'xy'))).toEqual(['x1', 'y2']);
  });

  it.each([
    ['a number', [[1, 2], 3], 'input 1 of starmap is no list of arguments'],
    ['a text', ['ab'], 'input 0 of starmap is no list of arguments'],
    ['nothing', [undefined], 'input 0 of starmap is no list of arguments'],
  ])('names the input of starmap that is %s instead of a list of arguments', async (_, lists, message) => {
    const join = handle((...args: unknown[]) => args.length);
    const closed: string[] = [];
    async function* later() {
      try {
        yield* lists;
      } finally {
        closed.push('closed');
      }
    }
    await expect(collect(join.starmap(lists as never))).rejects.toThrow(message);
    await expect(collect(join.starmap(later() as never))).rejects.toThrow(message);
    expect(closed).toEqual(['closed']);
    expect(() => join.starmap(5 as never)).toThrow('starmap needs an iterable of argument lists');
  });

  it('ends with the shortest of several iterables, though another one waits for ever', async () => {
    const waiting = new NeverEnding();
    const join = handle((n: number, word: string) => `${n}${word}`);
    async function* two() {
      yield* [1, 2];
    }
    expect(await collect(join.map(two(), waiting.from(['a', 'b'])))).toEqual(['1a', '2b']);
    expect(waiting.isClosed).toBe(true);
  });

  it('gives the last argument one value for all inputs', async () => {
    const scaled = handle((x: number, y: number, options: { by: number }) => (x + y) * options.by);
    const kwargs = { by: 10 };
    async function* ys() {
      yield* [1, 2];
    }
    expect(await collect(scaled.map([0, 1], ys(), { kwargs }))).toEqual([10, 30]);
    expect(await collect(scaled.starmap([[2, 3]], { kwargs, orderOutputs: false }))).toEqual([50]);
    await scaled.forEach([1], [1], { kwargs });
    await scaled.spawnMap([1], [1], { kwargs });
    expect(host.argsSent().slice(-2)).toEqual([
      [1, 1, { by: 10 }],
      [1, 1, { by: 10 }],
    ]);
  });

  it('does nothing before the first result is asked for', async () => {
    const identity = handle((x: number) => x);
    let pulled = 0;
    identity.map(count(3, () => pulled++));
    await turns(3);
    expect(pulled).toBe(0);
    expect(host.sent).toEqual([]);
  });

  it('holds at most 1,000 inputs in flight, and reads no further', async () => {
    let pulled = 0;
    const identity = handle(async (x: number) => (await turns(2), x));
    let taken = 0;
    for await (const result of identity.map(count(3_500, () => pulled++))) {
      expect(result).toBe(taken++);
      expect(pulled - taken).toBeLessThanOrEqual(1_000);
    }
    expect(taken).toBe(3_500);
    expect(host.peak).toBeLessThanOrEqual(1_000);
    expect(host.peak).toBeGreaterThan(500);
  });

  it('lets one slow input hold back no more than its window', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let pulled = 0;
    const firstSlow = handle(async (x: number) => (x === 0 ? (await gate, x) : x));
    const results = firstSlow.map(count(5_000, () => pulled++))[Symbol.asyncIterator]();
    const first = results.next();
    await turns(20);
    expect(pulled).toBe(1_000);
    release();
    expect(await first).toEqual({ value: 0, done: false });
    await results.return?.();
  });

  it('ends with the first failure and cancels what is left', async () => {
    const failing = handle(async (x: number) => {
      if (x === 1) throw new TypeError('one');
      if (x > 1) await turns(50);
      return x;
    });
    await expect(collect(failing.map(count(10)))).rejects.toThrow(TypeError);
    expect(host.sent.map((message) => message.type)).toEqual(expect.arrayContaining(['forget', 'cancel']));
  });

  it('returns failures in their place when told to', async () => {
    const failing = handle((x: number) => {
      if (x === 1) throw new TypeError('one');
      return x;
    });
    const results = await collect(failing.map([0, 1, 2], { returnExceptions: true }));
    expect(results[0]).toBe(0);
    expect(results[1]).toBeInstanceOf(UserCodeError);
    expect((results[1] as Error).cause).toBeInstanceOf(TypeError);
    expect(results[2]).toBe(2);
  });

  it('passes on what the input iterable throws', async () => {
    const identity = handle((x: number) => x);
    function* broken() {
      yield 1;
      throw new RangeError('bad input');
    }
    const results: number[] = [];
    const run = async () => {
      for await (const result of identity.map(broken())) results.push(result);
    };
    await expect(run()).rejects.toThrow(RangeError);
  });

  it('closes its inputs and cancels the rest when the loop is left', async () => {
    let closed = false;
    function* endless() {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        closed = true;
      }
    }
    const slow = handle(async (x: number) => (x === 0 ? x : (await turns(1_000), x)));
    for await (const result of slow.map(endless())) {
      expect(result).toBe(0);
      break;
    }
    await turns(2);
    expect(closed).toBe(true);
    expect(host.sent.at(-1)).toMatchObject({ type: 'cancel', callId: host.submits()[0]?.callId });
  });

  it('closes an input iterable that waits as soon as the loop is left', async () => {
    const waiting = new NeverEnding();
    const identity = handle((x: number) => x);
    for await (const result of identity.map(waiting.from([7]))) {
      expect(result).toBe(7);
      break;
    }
    expect(waiting.isClosed).toBe(true);
  });

  it('ends with the reason of its signal, and cancels what is left', async () => {
    const abort = new AbortController();
    const identity = handle((x: number) => (x === 0 ? x : new Promise<number>(() => undefined)));
    const run = async () => {
      for await (const _ of identity.map(count(5), { signal: abort.signal }))
        abort.abort(new Error('enough'));
    };
    await expect(run()).rejects.toThrow('enough');
    expect(host.sent.at(-1)).toMatchObject({ type: 'cancel', callId: host.submits()[0]?.callId });
    const sentBefore = host.sent.length;
    await expect(identity.forEach(count(5), { signal: abort.signal })).rejects.toThrow('enough');
    expect(host.sent).toHaveLength(sentBefore);
  });

  it('sends inputs of one turn together, all in one call', async () => {
    const identity = handle((x: number) => x);
    await collect(identity.map(count(250)));
    expect(host.submits().map((submit) => submit.inputs.length)).toEqual([100, 100, 50]);
    expect(new Set(host.submits().map((submit) => submit.callId)).size).toBe(1);
    expect(host.submits()[2]?.inputs.at(-1)?.index).toBe(249);
  });

  it('of no inputs gives no results', async () => {
    expect(await collect(handle((x: number) => x).map([]))).toEqual([]);
  });

  it('refuses arguments that are not iterable, and unknown options', () => {
    const identity = handle((x: number) => x);
    expect(() => identity.map(5 as never)).toThrow('argument 1 of map is not iterable');
    expect(() => identity.map([1], { order: false } as never)).toThrow('there is no option "order"');
    expect(() => Reflect.apply(identity.map, identity, [])).toThrow('needs at least one iterable');
  });
});

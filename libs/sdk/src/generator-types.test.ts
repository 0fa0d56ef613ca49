import { describe, expectTypeOf, it } from 'vitest';

import type { App, RemoteFunction } from './index.ts';

// What must compile, and what must not, is checked by the compiler; nothing here runs.
type Uses = (app: App, functions: typeof RemoteFunction) => unknown;

class Speaker {
  async *say(word: string): AsyncGenerator<string, number> {
    yield word;
    return 1;
  }
  *count(): Generator<number> {
    yield 1;
  }
  async whisper(): Promise<string> {
    return '';
  }
}

describe('the handle of a generator', () => {
  it('has remoteGen and local, with the types of what it yields and returns', () => {
    const uses: Uses = (app) => {
      const count = app.function({}, async function* (to: number) {
        yield to;
        return 'end';
      });
      expectTypeOf(count.remoteGen(3)).toEqualTypeOf<AsyncGenerator<number, string, void>>();
      expectTypeOf(count.local(3)).toExtend<AsyncGenerator<number, string>>();
      const sync = app.function(function* (): Generator<Date> {
        yield new Date();
      });
      expectTypeOf(sync.remoteGen().next()).resolves.toExtend<IteratorResult<Date, unknown>>();
      const iterable = app.function((): AsyncIterable<bigint> => count.local(1) as never);
      expectTypeOf(iterable.remoteGen()).toEqualTypeOf<AsyncGenerator<bigint, void, void>>();
      // @ts-expect-error an argument of the wrong type
      void count.remoteGen('3');
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('does not compile as a call with a single result', () => {
    const uses: Uses = (app, functions) => {
      const count = app.function({}, async function* (to: number) {
        yield to;
      });
      // @ts-expect-error a generator has no single result
      void count.remote(3);
      // @ts-expect-error a generator cannot be spawned
      void count.spawn(3);
      // @ts-expect-error a generator cannot be mapped
      count.map([1, 2]);
      // @ts-expect-error a generator cannot be mapped
      count.starmap([[1]]);
      // @ts-expect-error a generator cannot be mapped
      void count.forEach([1]);
      // @ts-expect-error a generator cannot be spawned
      void count.spawnMap([1]);
      const far = functions.fromName<typeof count>('app', 'count');
      // @ts-expect-error a generator has no single result
      void far.remote(3);
      expectTypeOf(far.remoteGen(3)).toExtend<AsyncIterable<number>>();
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('of a method is like that of a function', () => {
    const uses: Uses = (app) => {
      const speaker = app.instance(Speaker);
      expectTypeOf(speaker.say.remoteGen('a')).toEqualTypeOf<AsyncGenerator<string, number, void>>();
      expectTypeOf(speaker.say.local('a')).toEqualTypeOf<AsyncGenerator<string, number, void>>();
      expectTypeOf(speaker.count.remoteGen()).toExtend<AsyncIterable<number>>();
      expectTypeOf(speaker.whisper.local()).toEqualTypeOf<Promise<string>>();
      // @ts-expect-error no generator
      speaker.whisper.remoteGen();
      // @ts-expect-error a generator has no single result
      void speaker.say.remote('a');
    };
    expectTypeOf(uses).toBeFunction();
  });
});

describe('the handle of a plain function', () => {
  it('has no remoteGen', () => {
    const uses: Uses = (app, functions) => {
      const square = app.function(async (x: number) => x * x);
      const list = app.function((x: number): number[] => [x]);
      const map = app.function((): Map<string, number> => new Map());
      const stream = app.function((): ReadableStream<string> => new ReadableStream());
      // @ts-expect-error no generator
      square.remoteGen(1);
      // @ts-expect-error an array is a single result
      list.remoteGen(1);
      // @ts-expect-error a map is a single result
      map.remoteGen();
      // @ts-expect-error a stream is no generator
      stream.remoteGen();
      expectTypeOf(list.remote(1)).toEqualTypeOf<Promise<number[]>>();
      // Nothing is known about it: both are allowed.
      const unknown = functions.fromName('app', 'any');
      expectTypeOf(unknown.remote(1)).toEqualTypeOf<Promise<unknown>>();
      expectTypeOf(unknown.remoteGen(1)).toEqualTypeOf<AsyncGenerator<unknown, unknown, void>>();
    };
    expectTypeOf(uses).toBeFunction();
  });
});

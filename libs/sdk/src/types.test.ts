import { describe, expectTypeOf, it } from 'vitest';

import type {
  AnyIterable,
  App,
  Cls,
  Dict,
  FunctionCall,
  Instance,
  MapOptions,
  Queue,
  RemoteFunction,
  UserCodeError,
} from './index.ts';

// What must compile, and what must not, is checked by the compiler; nothing here runs.
type Uses = (
  app: App,
  classes: typeof Cls,
  functions: typeof RemoteFunction,
  calls: typeof FunctionCall,
) => unknown;

class Reader {
  lang: string = 'eng';
  pages?: number;
  scale = 1n;
  cache = new Map<string, string>();
  async read(page: Uint8Array, options: { dpi: number } = { dpi: 300 }): Promise<string> {
    return `${page.length} ${options.dpi}`;
  }
  count(): number {
    return 1;
  }
  private secret(): void {}
  protected hidden = this.secret;
}

describe('a function handle', () => {
  it('has the arguments and the result of its function', () => {
    const uses: Uses = (app) => {
      const square = app.function({ retries: 3 }, async (x: number, scale?: number) => x * (scale ?? 1));
      expectTypeOf(square).toEqualTypeOf<RemoteFunction<[x: number, scale?: number], Promise<number>>>();
      expectTypeOf(square.remote(1)).toEqualTypeOf<Promise<number>>();
      expectTypeOf(square.remote(1, 2)).toEqualTypeOf<Promise<number>>();
      expectTypeOf(square.local(1)).toEqualTypeOf<Promise<number>>();
      expectTypeOf(square.spawn(1)).toEqualTypeOf<Promise<FunctionCall<number>>>();
      // @ts-expect-error an argument of the wrong type
      void square.remote('1');
      // @ts-expect-error a missing argument
      void square.remote();
      // @ts-expect-error one argument too many
      void square.remote(1, 2, 3);
      // @ts-expect-error an option that does not exist
      app.function({ timeout: 5 }, () => 1);
      const sync = app.function((name: string) => name.length);
      expectTypeOf(sync.local('a')).toEqualTypeOf<number>();
      expectTypeOf(sync.remote('a')).toEqualTypeOf<Promise<number>>();
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('maps iterables of its parameters', () => {
    const uses: Uses = (app) => {
      const join = app.function({}, async (n: number, letter: string) => `${letter}${n}`);
      expectTypeOf(join.map([1], ['a'])).toEqualTypeOf<AsyncIterable<string>>();
      expectTypeOf(join.map(new Set([1]), 'abc', { orderOutputs: false })).toEqualTypeOf<
        AsyncIterable<string>
      >();
      expectTypeOf(join.map([1], ['a'], { returnExceptions: true })).toEqualTypeOf<
        AsyncIterable<string | UserCodeError>
      >();
      expectTypeOf(join.starmap([[1, 'a']])).toEqualTypeOf<AsyncIterable<string>>();
      expectTypeOf(join.forEach([1], ['a'], { ignoreExceptions: true })).toEqualTypeOf<Promise<void>>();
      expectTypeOf(join.map([1], { kwargs: 'a' })).toEqualTypeOf<AsyncIterable<string>>();
      expectTypeOf(join.starmap([[1]], { kwargs: 'a', returnExceptions: true })).toEqualTypeOf<
        AsyncIterable<string | UserCodeError>
      >();
      expectTypeOf(join.spawnMap([1], { kwargs: 'a' })).toEqualTypeOf<Promise<void>>();
      // @ts-expect-error a last argument of the wrong type
      join.map([1], { kwargs: 2 });
      // @ts-expect-error an iterable is missing
      join.map([1]);
      // @ts-expect-error an iterable of the wrong type
      join.map(['a'], ['a']);
      // @ts-expect-error an option that does not exist
      join.map([1], ['a'], { order: true });
      // @ts-expect-error an argument list of the wrong shape
      join.starmap([[1]]);
      const streamed = (numbers: AnyIterable<number>, letters: AsyncIterable<string>, options: MapOptions) =>
        join.map(numbers, letters, options);
      expectTypeOf(streamed).returns.toEqualTypeOf<AsyncIterable<string>>();
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('found by name has the types of the handle or function it names', () => {
    const uses: Uses = (app, _classes, functions) => {
      const square = app.function({}, async (x: number) => x * x);
      const far = functions.fromName<typeof square>('maths', square.name, { environment: 'dev' });
      expectTypeOf(far.remote(2)).toEqualTypeOf<Promise<number>>();
      // @ts-expect-error an argument of the wrong type
      void far.remote('2');
      const plain = functions.fromName<(name: string) => Date>('maths', 'at');
      expectTypeOf(plain.remote('x')).toEqualTypeOf<Promise<Date>>();
      expectTypeOf(functions.fromName('maths', 'any').remote(1, 'a')).toEqualTypeOf<Promise<unknown>>();
    };
    expectTypeOf(uses).toBeFunction();
  });
});

describe('an instance', () => {
  it('has the public methods of its class as handles', () => {
    const uses: Uses = (app) => {
      const reader = app.instance(Reader, { lang: 'deu' });
      expectTypeOf(reader).toEqualTypeOf<Instance<Reader>>();
      expectTypeOf(reader.read.remote(new Uint8Array())).toEqualTypeOf<Promise<string>>();
      expectTypeOf(reader.read.local(new Uint8Array(), { dpi: 1 })).toEqualTypeOf<Promise<string>>();
      expectTypeOf(reader.count.remote()).toEqualTypeOf<Promise<number>>();
      expectTypeOf(reader.count.local()).toEqualTypeOf<Promise<number>>();
      expectTypeOf(reader.count.spawn()).toEqualTypeOf<Promise<FunctionCall<number>>>();
      // @ts-expect-error an argument of the wrong type
      void reader.read.remote('page');
      // @ts-expect-error a missing argument
      void reader.read.remote();
      // @ts-expect-error a method that does not exist
      void reader.write;
      // @ts-expect-error a private method
      void reader.secret;
      // @ts-expect-error a field
      void reader.lang;
    };
    expectTypeOf(uses).toBeFunction();
  });

  it('takes parameters that are fields of its class', () => {
    const uses: Uses = (app, classes) => {
      app.instance(Reader, { lang: 'deu', pages: 3, scale: 2n });
      app.instance(Reader);
      // @ts-expect-error a parameter that does not exist
      app.instance(Reader, { language: 'deu' });
      // @ts-expect-error a parameter of the wrong type
      app.instance(Reader, { lang: 5 });
      // @ts-expect-error a field that no parameter can be
      app.instance(Reader, { cache: new Map() });
      // @ts-expect-error a method
      app.instance(Reader, { count: () => 1 });
      const far = classes.fromName<typeof Reader>('ocr', 'Reader');
      expectTypeOf(far.instance({ lang: 'deu' })).toEqualTypeOf<Instance<Reader>>();
      // @ts-expect-error a parameter that does not exist
      far.instance({ language: 'deu' });
    };
    expectTypeOf(uses).toBeFunction();
  });
});

describe('calls', () => {
  it('are gathered with their own result types', () => {
    const uses: Uses = (_app, _classes, _functions, calls) => {
      const one = calls.fromId<number>('fc-1');
      const two = calls.fromId<string>('fc-2');
      expectTypeOf(one.get({ timeoutMs: 0 })).toEqualTypeOf<Promise<number>>();
      expectTypeOf(calls.gather(one, two)).toEqualTypeOf<Promise<[number, string]>>();
      // @ts-expect-error seconds instead of milliseconds
      void one.get({ timeout: 5 });
    };
    expectTypeOf(uses).toBeFunction();
  });
});

describe('dicts and queues', () => {
  it('have the types of their keys, values and items', () => {
    type CollectionUses = (dicts: typeof Dict, queues: typeof Queue) => unknown;
    const uses: CollectionUses = (dicts, queues) => {
      const dict = dicts.fromName<string, number>('ages');
      expectTypeOf(dict.get('a')).toEqualTypeOf<Promise<number | undefined>>();
      expectTypeOf(dict.get('a', null)).toEqualTypeOf<Promise<number | null>>();
      expectTypeOf(dict.pop('a')).toEqualTypeOf<Promise<number>>();
      expectTypeOf(dict.items()).toEqualTypeOf<AsyncGenerator<[string, number]>>();
      expectTypeOf(dicts.ephemeral<string, number>()).resolves.toExtend<AsyncDisposable>();
      void dict.update({ a: 1 });
      // @ts-expect-error a key of the wrong type
      void dict.get(1);
      // @ts-expect-error a value of the wrong type
      void dict.put('a', 'b');
      // @ts-expect-error values of the wrong type
      void dict.update(new Map([['a', 'b']]));
      // @ts-expect-error an option that does not exist
      void dict.put('a', 1, { skip: true });
      const queue = queues.fromName<{ url: string }>('jobs');
      expectTypeOf(queue.get()).toEqualTypeOf<Promise<{ url: string } | null>>();
      expectTypeOf(queue.getMany(3)).toEqualTypeOf<Promise<{ url: string }[]>>();
      expectTypeOf(queue.iterate()).toEqualTypeOf<AsyncGenerator<{ url: string }>>();
      // @ts-expect-error an item of the wrong type
      void queue.put({ uri: 'x' });
      // @ts-expect-error a time without its unit
      void queue.get({ timeout: 5 });
      expectTypeOf(dicts.fromName('any').get(1)).toEqualTypeOf<Promise<unknown>>();
    };
    expectTypeOf(uses).toBeFunction();
  });
});

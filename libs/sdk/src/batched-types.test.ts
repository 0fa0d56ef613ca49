import { describe, expectTypeOf, it } from 'vitest';

import { batched, type App, type Batch, type Cls, type RemoteFunction } from './index.ts';

// What must compile, and what must not, is checked by the compiler; nothing here runs.
class Embedder {
  lang: string = 'eng';
  async embed(texts: Batch<string>, sizes: Batch<number>): Promise<Float32Array[]> {
    return texts.map((text, i) => new Float32Array(text.length * (sizes[i] ?? 1)));
  }
}

describe('a batched function', () => {
  it('is called with single values, and answers with one', () => {
    const uses = (app: App) => {
      const add = app.function(
        {},
        batched({ maxBatchSize: 4, waitMs: 5 }, async (xs: number[], ys: number[]) => xs.concat(ys)),
      );
      expectTypeOf(add).toEqualTypeOf<RemoteFunction<[xs: number, ys: number], Promise<number>>>();
      expectTypeOf(add.remote(1, 2)).toEqualTypeOf<Promise<number>>();
      expectTypeOf(add.map([1], [2])).toEqualTypeOf<AsyncIterable<number>>();
      const listed = app.function({}, async (xs: number[], names: string[]) => xs.map((x) => `${x}${names}`));
      const single = listed.withBatching({ maxBatchSize: 2, waitMs: 5 });
      expectTypeOf(single).toEqualTypeOf<RemoteFunction<[xs: number, names: string], Promise<string>>>();
      expectTypeOf(add.withBatching({ maxBatchSize: 2, waitMs: 5 })).toEqualTypeOf<typeof add>();
      // @ts-expect-error a list in place of a single value
      void add.remote([1], [2]);
      // @ts-expect-error a body that returns no list
      batched({ maxBatchSize: 4, waitMs: 5 }, (xs: number[]) => xs.length);
      // @ts-expect-error a missing option
      batched({ maxBatchSize: 4 });
    };
    expectTypeOf(uses).toBeFunction();
  });
});

describe('a batched method', () => {
  it('is called with single values through an instance, and takes plain lists in its own program', () => {
    const uses = (app: App, classes: typeof Cls, embedder: Embedder) => {
      const { embed } = app.instance(Embedder, { lang: 'deu' });
      expectTypeOf(embed.remote('a', 2)).toEqualTypeOf<Promise<Float32Array>>();
      expectTypeOf(embedder.embed(['a'], [2])).toEqualTypeOf<Promise<Float32Array[]>>();
      const far = classes.fromName<typeof Embedder>('ocr', 'Embedder');
      expectTypeOf(
        far.withBatching({ maxBatchSize: 2, waitMs: 5 }).instance().embed.remote('a', 2),
      ).toEqualTypeOf<Promise<Float32Array>>();
      // @ts-expect-error a list in place of a single value
      void embed.remote(['a'], [2]);
      // @ts-expect-error an option that callers may not replace
      far.withOptions({ minContainers: 1 });
    };
    expectTypeOf(uses).toBeFunction();
  });
});

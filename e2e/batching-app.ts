import { setTimeout as delay } from 'node:timers/promises';

import { App, batched, type Batch } from 'gantry';

export const app = new App('batching');

export interface Sum {
  sum: number;
  /** How many inputs the body got with it. */
  batchSize: number;
}

/** Adds pairs, a batch at a time. */
export const addAll = app.function(
  { maxContainers: 1 },
  batched({ maxBatchSize: 4, waitMs: 1_000 }, async (xs: number[], ys: number[]): Promise<Sum[]> => {
    await delay(50);
    return xs.map((x, i) => ({ sum: x + (ys[i] ?? Number.NaN), batchSize: xs.length }));
  }),
);

/** The same without patience, and with batches of hundreds. */
export const addMany = app.function(
  { maxContainers: 1 },
  batched({ maxBatchSize: 250, waitMs: 300 }, (xs: number[]): Sum[] =>
    xs.map((x) => ({ sum: x + 1, batchSize: xs.length })),
  ),
);

/** Loses a result. */
export const short = app.function(
  {},
  batched({ maxBatchSize: 3, waitMs: 200 }, async (xs: number[]) => xs.slice(1)),
);

/** Fails for the whole batch. */
export const failing = app.function(
  {},
  batched({ maxBatchSize: 3, waitMs: 200 }, async (xs: string[]): Promise<string[]> => {
    throw new RangeError(`a batch of ${xs.length} failed`);
  }),
);

/** Takes lists, and no batches unless its caller wants them. */
export const lengths = app.function({ maxContainers: 1 }, async (words: string[]) =>
  words.map((word) => `${word} of ${words.length}`),
);

@app.cls({ maxContainers: 1 })
export class Shouter {
  @batched({ maxBatchSize: 10, waitMs: 200 })
  async shout(words: Batch<string>): Promise<string[]> {
    return words.map((word) => `${word.toUpperCase()} of ${words.length}`);
  }
}

import { appendFile } from 'node:fs/promises';

import { App, currentInputId, fastapiEndpoint, method } from 'gantry';

export const app = new App('generators');

/** Counts, as fast as its consumer takes. */
export const count = app.function({ maxContainers: 2 }, async function* (to: number): AsyncGenerator<
  number,
  string
> {
  for (let n = 0; n < to; n++) yield n;
  return `counted to ${to}`;
});

export interface Step {
  n: number;
  pid: number;
  inputId: string | undefined;
}

/** Counts, writing a line to a file for each value it yields, and one when it ends. */
export const counted = app.function(async function* (path: string, stepMs: number): AsyncGenerator<Step> {
  try {
    for (let n = 0; n < 2_000; n++) {
      if (stepMs > 0) await new Promise((resolve) => setTimeout(resolve, stepMs));
      await appendFile(path, `${n}\n`);
      yield { n, pid: process.pid, inputId: currentInputId() };
    }
  } finally {
    await appendFile(path, 'finally\n');
  }
});

export const failing = app.function(function* (after: number): Generator<number> {
  for (let n = 0; n < after; n++) yield n;
  throw new RangeError(`no more than ${after}`);
});

/** Values too large for a message, and so many that they go beyond the window. */
export const large = app.function(async function* (sizes: number[]): AsyncGenerator<Uint8Array> {
  for (const [at, size] of sizes.entries()) yield new Uint8Array(size).fill(at);
});

@app.cls()
export class Speaker {
  @method()
  async *say(words: string[]): AsyncGenerator<string> {
    for (const word of words) yield word;
  }

  /** Streams what other containers yield. */
  @fastapiEndpoint()
  async *countdown(from: number = 3): AsyncGenerator<string> {
    for await (const n of count.remoteGen(from)) yield `${from - n} `;
  }
}

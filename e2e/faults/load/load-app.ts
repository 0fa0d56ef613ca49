import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import {
  App,
  batched,
  concurrent,
  currentFunctionCallId,
  enter,
  fastapiEndpoint,
  method,
  parameter,
} from 'gantry';

export const app = new App('load');

/** Functions come and go with the load, so that faults also meet containers that start and end. */
const SCALING = { maxContainers: 2, scaledownWindowMs: 4_000 };

export interface Traced<T> {
  value: T;
  callId: string;
}

function trace<T>(value: T): Traced<T> {
  return { value, callId: currentFunctionCallId() ?? '' };
}

export const square = app.function(
  SCALING,
  concurrent({ maxInputs: 8 }, async (x: number, pauseMs: number) => {
    await delay(pauseMs);
    return trace(x * x);
  }),
);

export const sumOfSquares = app.function(
  SCALING,
  concurrent({ maxInputs: 4 }, async (to: number) => {
    const numbers = Array.from({ length: to }, (_, x) => x);
    let sum = 0;
    for await (const { value } of square.starmap(numbers.map((x): [number, number] => [x, 5]))) sum += value;
    return trace(sum);
  }),
);

/** Arguments and results that go through the blob store. */
export const reverse = app.function(SCALING, async (bytes: Uint8Array) => trace(bytes.toReversed()));

/** Each run that fails leaves a line; two are as many as its retries make good. */
export const failsTwice = app.function(
  { ...SCALING, retries: { maxRetries: 2, initialDelayMs: 100 } },
  concurrent({ maxInputs: 4 }, async (path: string) => {
    const failures = (await readFile(path, 'utf8').catch(() => '')).length;
    if (failures >= 2) return trace(path);
    await appendFile(path, '.');
    throw new Error(`run ${failures + 1} fails`);
  }),
);

export const failsAlways = app.function(
  SCALING,
  concurrent({ maxInputs: 4 }, async (x: number): Promise<never> => {
    throw new RangeError(`no ${x}`);
  }),
);

export const addOne = app.function(
  SCALING,
  batched({ maxBatchSize: 6, waitMs: 50 }, async (xs: number[]) => {
    await delay(20);
    return xs.map((x) => ({ value: x + 1, batchSize: xs.length }));
  }),
);

export const count = app.function(
  SCALING,
  concurrent({ maxInputs: 4 }, async function* (to: number, stepMs: number): AsyncGenerator<number> {
    for (let n = 0; n < to; n++) {
      if (stepMs > 0) await delay(stepMs);
      yield n;
    }
  }),
);

@app.cls(SCALING)
export class Digest {
  @parameter() algorithm: string = 'sha256';

  /** What user code starts ends with its container, however that ends. */
  @enter() begin(): void {
    spawn('sleep', ['100000'], { stdio: 'ignore' }).on('error', () => undefined);
  }

  @method() async of(text: string): Promise<Traced<string>> {
    return trace(createHash(this.algorithm).update(text).digest('hex'));
  }
}

@app.cls(SCALING)
@concurrent({ maxInputs: 8 })
export class Web {
  @fastapiEndpoint() async square(x: number = 0): Promise<number> {
    await delay(5);
    return x * x;
  }
}

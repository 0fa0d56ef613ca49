import { RemoteFunction } from 'gantry';

import type { countUp, double } from '../app/app.ts';

/** Latencies of both kinds of call, taken in turns. */
export interface GeneratorSamples {
  callsMs: number[];
  firstValuesMs: number[];
}

const WARMUPS = 300;
const plain = RemoteFunction.fromName<typeof double>('bench', 'double');
const generator = RemoteFunction.fromName<typeof countUp>('bench', 'countUp');

async function timeCall(x: number): Promise<number> {
  const start = performance.now();
  const result = await plain.remote(x);
  const tookMs = performance.now() - start;
  if (result !== x * 2) throw new Error(`the answer to ${x} was ${result}`);
  return tookMs;
}

// The rest is taken too, so that nothing of it is left when the next call is timed.
async function timeFirstValue(x: number): Promise<number> {
  const start = performance.now();
  const values = generator.remoteGen(x);
  const first = await values.next();
  const tookMs = performance.now() - start;
  if (first.value !== x) throw new Error(`the first value from ${x} was ${String(first.value)}`);
  for await (const _ of values);
  return tookMs;
}

const samples: GeneratorSamples = { callsMs: [], firstValuesMs: [] };
for (let round = -WARMUPS; round < Number(process.env.ROUNDS); round++) {
  const callMs = await timeCall(round);
  const firstMs = await timeFirstValue(round);
  if (round < 0) continue;
  samples.callsMs.push(callMs);
  samples.firstValuesMs.push(firstMs);
}
console.log(JSON.stringify(samples));
process.exit(0);

import { setTimeout as delay } from 'node:timers/promises';

import { App, concurrent, fastapiEndpoint } from 'gantry';

import { BURST } from './burst-shape.ts';

export const app = new App('bench');

/** As many inputs at once as the other side's worker takes jobs. */
const CONCURRENCY = 500;

/** The trivial function that every call benchmark runs. */
export const double = app.function(
  { scaledownWindowMs: 1_200_000, maxContainers: 1 },
  concurrent({ maxInputs: CONCURRENCY }, async (x: number) => x * 2),
);

/** Yields a few values: the first one is what is timed. */
export const countUp = app.function(
  { scaledownWindowMs: 1_200_000, maxContainers: 1 },
  concurrent({ maxInputs: CONCURRENCY }, async function* (from: number) {
    for (let x = from; x < from + 3; x++) yield x;
  }),
);

/** Like `double`, but given back to zero as soon as the platform allows: for cold starts. */
export const coldDouble = app.function({ scaledownWindowMs: 2_000 }, async (x: number) => x * 2);

export const hello = app.function(
  { scaledownWindowMs: 1_200_000, maxContainers: 1 },
  concurrent(
    { maxInputs: CONCURRENCY },
    fastapiEndpoint({ method: 'GET' }, async () => ({ hello: 'world' })),
  ),
);

/** Inputs of 50 ms, up to 80 at once: for a burst on a function that has no container. */
export const burst = app.function(
  { scaledownWindowMs: 2_000, maxContainers: BURST.containers },
  concurrent({ maxInputs: BURST.inputsPerContainer }, async (x: number) => {
    await delay(BURST.inputMs);
    return x;
  }),
);

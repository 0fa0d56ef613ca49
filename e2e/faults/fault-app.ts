import { App, concurrent, currentFunctionCallId } from 'gantry';

export const app = new App('faults');

export interface Trace {
  square: number;
  callId: string;
  pid: number;
}

/** Slow enough that a thousand inputs are still under way when something is killed. */
export const slowSquare = app.function(
  { maxContainers: 4, scaledownWindowMs: 120_000 },
  concurrent({ maxInputs: 8 }, async (x: number): Promise<Trace> => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    return { square: x * x, callId: currentFunctionCallId() ?? '', pid: process.pid };
  }),
);

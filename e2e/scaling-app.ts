import { setTimeout as delay } from 'node:timers/promises';

import { App, method, parameter, RemoteFunction, stopFetchingInputs } from 'gantry';

export const app = new App('scaling');

/** Tells which process it ran in. */
export const where = app.function({ scaledownWindowMs: 2_000 }, async () => process.pid);

/** Never shares a process. */
export const single = app.function({ maxInputsPerContainer: 1, maxContainers: 2 }, async () => {
  await delay(20);
  return process.pid;
});

/** Asks for no more inputs when told to. */
export const worn = app.function({ maxContainers: 1 }, async (isWorn: boolean) => {
  if (isWorn) stopFetchingInputs();
  return process.pid;
});

/** Changes another function of its app. */
export const tuner = app.function({}, async (minContainers: number) => {
  const target = RemoteFunction.fromName<typeof where>('scaling', 'where');
  await target.updateAutoscaler({ minContainers });
  return target.getCurrentStats();
});

@app.cls({ scaledownWindowMs: 2_000 })
export class Place {
  @parameter() name: string = 'here';
  @method() async pid(): Promise<number> {
    await delay(300);
    return process.pid;
  }
}

import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import {
  App,
  concurrent,
  enter,
  fastapiEndpoint,
  method,
  parameter,
  RemoteFunction,
  stopFetchingInputs,
} from 'gantry';

export const app = new App('scaling');

/** Process ids repeat in containers that have their own. */
const here = (): string => process.env['GANTRY_CONTAINER_ID'] ?? '';

/** Tells which container it ran in. */
export const where = app.function({ scaledownWindowMs: 2_000 }, async () => here());

/** Never shares a container. */
export const single = app.function({ maxInputsPerContainer: 1, maxContainers: 2 }, async () => {
  await delay(20);
  return here();
});

/** Asks for no more inputs when told to. */
export const worn = app.function({ maxContainers: 1 }, async (isWorn: boolean) => {
  if (isWorn) stopFetchingInputs();
  return here();
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
  @method() async where(): Promise<string> {
    await delay(300);
    return here();
  }
}

let visits = 0;

/** Counts its inputs, in memory and in a file. */
export const visitor = app.function({ maxContainers: 3 }, async () => {
  visits++;
  appendFileSync('visits.txt', '.');
  return { container: here(), visits, inFile: readFileSync('visits.txt', 'utf8').length };
});

/** What runs at the same moment in a container of {@link Shared}. */
export interface Company {
  container: string;
  names: string[];
}

@app.cls({ maxContainers: 1 })
@concurrent({ maxInputs: 3, targetInputs: 1 })
export class Shared {
  readonly #running: string[] = [];

  @method() async left(): Promise<Company> {
    return this.#run('left');
  }

  @method() async right(): Promise<Company> {
    return this.#run('right');
  }

  @fastapiEndpoint() async web(): Promise<Company> {
    return this.#run('web');
  }

  async #run(name: string): Promise<Company> {
    this.#running.push(name);
    await delay(200);
    const company = { container: here(), names: [...this.#running] };
    this.#running.splice(this.#running.indexOf(name), 1);
    return company;
  }
}

const bootSteps = ['module'];

@app.cls({})
@concurrent({ maxInputs: 4 })
export class SlowStart {
  @enter() first(): void {
    bootSteps.push('first');
  }

  @enter() async second(): Promise<void> {
    await delay(400);
    bootSteps.push('second');
  }

  @method() async steps(): Promise<string[]> {
    return bootSteps;
  }

  @fastapiEndpoint() async page(): Promise<string[]> {
    return bootSteps;
  }
}

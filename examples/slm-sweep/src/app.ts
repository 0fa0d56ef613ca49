import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Session } from 'node:inspector/promises';

import {
  App,
  concurrent,
  Dict,
  enter,
  fastapiEndpoint,
  method,
  parameter,
  Volume,
  webServer,
  wsgiApp,
} from 'gantry';

import { drawCurves } from './chart.ts';
import { allSaved, furthest, save } from './checkpoints.ts';
import { completionServer } from './completions.ts';
import { begin, lossOf, makeGrid, train as trainHere, type Checkpoint } from './experiment.ts';
import { Model } from './model.ts';
import { quantise, restore } from './quantised.ts';
import { sweep } from './sweep.ts';
import { write } from './writing.ts';

/** What is said here holds for everything below, unless it says otherwise. */
export const app = new App('slm-sweep', { memoryMiB: 256, scaledownWindowMs: 30_000 });

/** Checkpoints outlive containers, also those that are killed. */
const runs = Volume.fromName('slm-sweep', { createIfMissing: true });
const SAVE_EVERY_MS = 4_000;

/** How often the training of an experiment went on from what an earlier container had saved. */
const resumed = Dict.fromName<string, number>('slm-sweep-resumed', { createIfMissing: true });

/** One container does not hold a place for longer; the sweep sends the checkpoint on. */
const SLICE_MS = 20_000;

// A machine that is about to go away says so, and what is trained so far is returned, not lost.
let interrupted = false;
process.on('SIGINT', () => (interrupted = true));

/** Trains from a checkpoint, or a later one that is saved, up to a step, or as far as it comes. */
export const train = app.function(
  // What waits for it has a place beside it, also on a machine of one core.
  {
    ...{ cpu: 0.75, maxContainers: 8, timeoutMs: 60_000 },
    retries: { maxRetries: 10, initialDelayMs: 0 },
    volumes: { runs },
  },
  async (from: Checkpoint, toStep: number): Promise<Checkpoint> => {
    const endsAtMs = performance.now() + SLICE_MS;
    // Called as a plain function it has no volume: by tests, and by the code of other functions.
    if (!existsSync('runs'))
      return trainHere(from, { toStep, shouldStop: () => performance.now() > endsAtMs });
    let checkpoint = await furthest('runs', from, toStep);
    if (checkpoint !== from) {
      const { name } = checkpoint.experiment;
      await resumed.put(name, ((await resumed.get(name)) ?? 0) + 1);
    }
    while (checkpoint.step < toStep && !interrupted && performance.now() < endsAtMs) {
      const pauseAtMs = Math.min(endsAtMs, performance.now() + SAVE_EVERY_MS);
      const shouldStop = () => interrupted || performance.now() > pauseAtMs;
      checkpoint = await trainHere(checkpoint, { toStep, shouldStop });
      await save('runs', checkpoint);
    }
    await runs.commit();
    return checkpoint;
  },
);

/** Where a training spends its time, by V8's own profiler around the code of another function. */
export const profile = app.function(
  {},
  async (steps: number): Promise<{ name: string; samples: number }[]> => {
    const [experiment] = makeGrid();
    if (!experiment) return [];
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await train.local(begin(experiment), steps);
    const { profile: recorded } = await session.post('Profiler.stop');
    session.disconnect();
    return recorded.nodes
      .map(({ callFrame, hitCount }) => ({ name: callFrame.functionName, samples: hitCount ?? 0 }))
      .filter(({ name, samples }) => name !== '' && samples > 0)
      .sort((a, b) => b.samples - a.samples)
      .slice(0, 10);
  },
);

/** What is saved, as a page of a plain Node listener. It looks into the volume again for each visitor. */
export const dashboard = app.function(
  { volumes: { runs }, maxContainers: 1 },
  wsgiApp({}, () => async (_request: IncomingMessage, response: ServerResponse): Promise<void> => {
    await runs.reload();
    const checkpoints = await allSaved('runs');
    const times = new Map<string, number>();
    for await (const [name, count] of resumed.items()) times.set(name, count);
    const lines = checkpoints.map((checkpoint) => {
      const { name } = checkpoint.experiment;
      const loss = lossOf(checkpoint).toFixed(3);
      return `<li>${name}: step ${checkpoint.step}, loss ${loss}, resumed ${times.get(name) ?? 0} times</li>`;
    });
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><title>slm-sweep</title>${drawCurves(checkpoints)}<ul>${lines.join('')}</ul>`,
    );
  }),
);

/** A server that speaks OpenAI's API, with the models that were saved when its container started. */
export const completions = app.function(
  { volumes: { runs: runs.withMountOptions({ readOnly: true }) } },
  webServer(8_000, { startupTimeoutMs: 20_000 }, () => {
    completionServer('runs').listen(8_000);
  }),
);

/** Writes with one model. Each model has containers of its own: its bytes are the parameter. */
@app.cls()
@concurrent({ maxInputs: 4 })
export class Writer {
  @parameter() model: Uint8Array = new Uint8Array();
  #restored: Model | undefined;

  @enter() load(): void {
    this.#restored = restore(this.model);
  }

  @method() async *write(prompt: string, length: number = 200, seed: number = 1): AsyncGenerator<string> {
    if (!this.#restored) throw new Error('the model is not loaded');
    yield* write(this.#restored, prompt, { length, seed });
  }
}

/** Small sweeps on the web. */
@app.cls()
@concurrent({ maxInputs: 8 })
export class Board {
  /** Loss curves of a short training of every experiment. */
  @fastapiEndpoint() async chart(steps: number = 200): Promise<Response> {
    const checkpoints: Checkpoint[] = [];
    for await (const checkpoint of trainRemotely(makeGrid().map(begin), steps)) checkpoints.push(checkpoint);
    return new Response(drawCurves(checkpoints), { headers: { 'content-type': 'image/svg+xml' } });
  }

  /** A line for each result, while the sweep goes on. */
  @fastapiEndpoint() async *live(experiments: number = 4, steps: number = 100): AsyncGenerator<string> {
    for await (const progress of sweep(makeGrid().slice(0, experiments), steps, trainRemotely)) {
      yield `${describe(progress)}\n`;
    }
  }
}

/** Finds the best of eight tiny language models, and lets it write. */
export const main = app.localEntrypoint(
  async (steps: number = 200, prompt: string = 'one day, the ', out: string = '') => {
    const run = sweep(makeGrid(), steps, trainRemotely);
    let next = await run.next();
    for (; !next.done; next = await run.next()) console.log(describe(next.value));
    const best = next.value;
    console.log(`winner: ${best.experiment.name}, loss ${lossOf(best).toFixed(3)} after ${best.step} steps`);
    const model = quantise(new Model(best.experiment.shape, best.weights));
    if (out !== '') await writeFile(out, model);
    const writer = app.instance(Writer, { model });
    process.stdout.write(prompt);
    for await (const letter of writer.write.remoteGen(prompt)) process.stdout.write(letter);
    console.log();
  },
);

function trainRemotely(checkpoints: Checkpoint[], toStep: number): AsyncIterable<Checkpoint> {
  return train.starmap(
    checkpoints.map((checkpoint): [Checkpoint, number] => [checkpoint, toStep]),
    { orderOutputs: false },
  );
}

function describe({
  round,
  checkpoint,
  isKept,
}: {
  round: number;
  checkpoint: Checkpoint;
  isKept: boolean | undefined;
}): string {
  const verdict = isKept === undefined ? 'trained' : isKept ? 'kept' : 'dropped';
  return `round ${round}: ${verdict} ${checkpoint.experiment.name} at step ${checkpoint.step}, loss ${lossOf(checkpoint).toFixed(3)}`;
}

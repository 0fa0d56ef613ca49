import { expect, test } from 'vitest';

import { train, Writer } from './app.ts';
import { drawCurves } from './chart.ts';
import { ALPHABET, writeCorpus } from './corpus.ts';
import {
  begin,
  lossOf,
  makeGrid,
  train as trainHere,
  type Checkpoint,
  type Experiment,
} from './experiment.ts';
import { LETTERS, Model } from './model.ts';
import { quantise, restore } from './quantised.ts';
import { sweep, type Progress } from './sweep.ts';

const SMALL: Experiment = {
  name: 'small',
  shape: { context: 3, width: 4, hidden: 12 },
  learningRate: 0.01,
  batchSize: 8,
  seed: 1,
};
const never = () => false;

async function* trainLocally(checkpoints: Checkpoint[], toStep: number): AsyncGenerator<Checkpoint> {
  for (const checkpoint of checkpoints) yield await train.local(checkpoint, toStep);
}

test('training lowers the loss on text that the model has not seen, far below guessing', async () => {
  const trained = await train.local(begin(SMALL), 600);

  expect(lossOf(trained)).toBeLessThan(0.7 * Math.log(LETTERS));
  expect(trained.curve.map(({ step }) => step)).toEqual([100, 200, 300, 400, 500, 600]);
});

test('a training that was interrupted, and went on from its checkpoint, is the same training', async () => {
  const whole = await trainHere(begin(SMALL), { toStep: 80, shouldStop: never });
  let asked = 0;
  const part = await trainHere(begin(SMALL), { toStep: 80, shouldStop: () => ++asked > 33 });
  const resumed = await trainHere(structuredClone(part), { toStep: 80, shouldStop: never });

  expect(part.step).toBe(33);
  expect(resumed.weights).toEqual(whole.weights);
  expect(resumed.curve).toEqual(whole.curve);
});

test('a sweep halves its experiments each round, keeps the better ones, and trains the winner on', async () => {
  const experiments = [0.01, 0.003, 0.000_1, 0.000_01].map((learningRate) => ({
    ...SMALL,
    ...{ learningRate, name: `rate ${learningRate}` },
  }));
  const seen: Progress[] = [];
  const run = sweep(experiments, 50, trainLocally);
  let next = await run.next();
  for (; !next.done; next = await run.next()) seen.push(next.value);

  const trainedIn = (round: number) =>
    seen.filter((each) => each.round === round && each.isKept === undefined);
  expect([1, 2, 3].map((round) => trainedIn(round).length)).toEqual([4, 2, 1]);
  const kept = seen
    .filter(({ round, isKept }) => round === 1 && isKept)
    .map((each) => each.checkpoint.experiment.name);
  expect(kept.sort()).toEqual(['rate 0.003', 'rate 0.01']);
  expect(next.value).toMatchObject({ step: 200, experiment: { name: 'rate 0.01' } });
});

test('a sweep goes on with what came back too early', async () => {
  async function* inSlices(checkpoints: Checkpoint[], toStep: number): AsyncGenerator<Checkpoint> {
    for (const checkpoint of checkpoints) {
      yield await trainHere(checkpoint, {
        toStep: Math.min(toStep, checkpoint.step + 30),
        shouldStop: never,
      });
    }
  }
  const run = sweep([SMALL], 100, inSlices);
  let next = await run.next();
  while (!next.done) next = await run.next();

  expect(next.value.step).toBe(100);
});

test('every model of the grid fits into the parameter of a class, and is as good there', async () => {
  for (const { shape } of makeGrid()) {
    expect(quantise(Model.fresh(shape, 1)).length).toBeLessThan(16 * 1024);
  }
  const { weights } = await train.local(begin(SMALL), 300);
  const model = new Model(SMALL.shape, weights);
  const text = Uint8Array.from(writeCorpus(5, 9), (character) => ALPHABET.indexOf(character));

  expect(restore(quantise(model)).loss(text)).toBeCloseTo(model.loss(text), 1);
  expect(() => restore(new Uint8Array(20))).toThrow(RangeError);
});

test('a writer goes on with a text, the same way for the same seed', async () => {
  const writer = new Writer();
  writer.model = quantise(Model.fresh(SMALL.shape, 1));
  writer.load();
  const read = async () => {
    let text = '';
    for await (const letter of writer.write('the ', 40, 3)) text += letter;
    return text;
  };

  const text = await read();

  expect(text).toHaveLength(40);
  expect(await read()).toBe(text);
});

test('the chart has a line for each experiment', () => {
  const checkpoint = {
    ...begin(SMALL),
    curve: [
      { step: 100, loss: 2 },
      { step: 200, loss: 1 },
    ],
  };

  expect(drawCurves([checkpoint, checkpoint]).match(/<polyline/g)).toHaveLength(2);
});

import { toIndexes, writeCorpus } from './corpus.ts';
import { Model, type Shape } from './model.ts';
import { Trainer, type Moments } from './training.ts';

/** One combination of settings that a sweep tries. */
export interface Experiment {
  name: string;
  shape: Shape;
  learningRate: number;
  batchSize: number;
  seed: number;
}

/** Where the training of an experiment is: all that another container needs to go on. */
export interface Checkpoint {
  experiment: Experiment;
  /** Batches done. */
  step: number;
  weights: Float32Array;
  moments: Moments;
  /** Losses on text that it is not trained on, over its steps. */
  curve: { step: number; loss: number }[];
}

export interface TrainOptions {
  toStep: number;
  /** Asked between steps; the training ends early once it is true. */
  shouldStop: () => boolean;
}

const MEASURE_EVERY_STEPS = 100;
const STEPS_PER_TURN = 20;
const CORPUS = toIndexes(writeCorpus(1_500));
const HELD_OUT = toIndexes(writeCorpus(12, 8));

/** All combinations of depths of view, sizes and rates. */
export function makeGrid(): Experiment[] {
  const experiments: Experiment[] = [];
  for (const context of [4, 8])
    for (const hidden of [32, 64])
      for (const learningRate of [0.003, 0.01]) {
        const name = `context-${context} hidden-${hidden} rate-${learningRate}`;
        experiments.push({
          name,
          shape: { context, width: 8, hidden },
          learningRate,
          batchSize: 16,
          seed: 1,
        });
      }
  return experiments;
}

export function begin(experiment: Experiment): Checkpoint {
  const { weights } = Model.fresh(experiment.shape, experiment.seed);
  const moments = { mean: new Float32Array(weights.length), square: new Float32Array(weights.length) };
  return { experiment, step: 0, weights, moments, curve: [] };
}

/** The last loss that was measured. */
export function lossOf({ curve }: Checkpoint): number {
  return curve.at(-1)?.loss ?? Number.POSITIVE_INFINITY;
}

/** Goes on from a checkpoint. Interrupted and gone on with elsewhere, it ends at the same weights. */
export async function train(from: Checkpoint, { toStep, shouldStop }: TrainOptions): Promise<Checkpoint> {
  const { experiment, moments } = from;
  const model = new Model(experiment.shape, from.weights);
  const trainer = new Trainer(model, CORPUS, moments);
  const curve = [...from.curve];
  let { step } = from;
  while (step < toStep && !shouldStop()) {
    trainer.step({ step, learningRate: experiment.learningRate, batchSize: experiment.batchSize });
    step++;
    if (step % MEASURE_EVERY_STEPS === 0 || step === toStep) curve.push({ step, loss: model.loss(HELD_OUT) });
    // Signals, and the platform, are heard between turns of the event loop.
    if (step % STEPS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return { experiment, step, weights: model.weights, moments, curve };
}

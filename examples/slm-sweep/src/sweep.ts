import { begin, lossOf, type Checkpoint, type Experiment } from './experiment.ts';

/** Trains several checkpoints up to a step, in any order; some may come back before they are there. */
export type TrainAll = (checkpoints: Checkpoint[], toStep: number) => AsyncIterable<Checkpoint>;

export interface Progress {
  round: number;
  checkpoint: Checkpoint;
  /** Whether it goes on in the next round, or is the winner; undefined while its round lasts. */
  isKept: boolean | undefined;
}

/**
 * Successive halving: all experiments are trained a little, the better half twice as long, and so on; the winner is
 * trained on from where it is. Yields each result as it comes, and the verdicts at the end of each round.
 */
export async function* sweep(
  experiments: Experiment[],
  firstSteps: number,
  trainAll: TrainAll,
): AsyncGenerator<Progress, Checkpoint> {
  let checkpoints = experiments.map(begin);
  let toStep = firstSteps;
  for (let round = 1; ; round++, toStep *= 2) {
    const ended: Checkpoint[] = [];
    for await (const checkpoint of trainUpTo(checkpoints, toStep, trainAll)) {
      ended.push(checkpoint);
      yield { round, checkpoint, isKept: undefined };
    }
    ended.sort((a, b) => lossOf(a) - lossOf(b));
    checkpoints = ended.slice(0, Math.ceil(ended.length / 2));
    for (const checkpoint of ended) yield { round, checkpoint, isKept: checkpoints.includes(checkpoint) };
    const [winner] = checkpoints;
    if (!winner) throw new RangeError('a sweep needs at least one experiment');
    if (ended.length === 1) return winner;
  }
}

/** What was interrupted goes on from its own checkpoint. */
async function* trainUpTo(
  checkpoints: Checkpoint[],
  toStep: number,
  trainAll: TrainAll,
): AsyncGenerator<Checkpoint> {
  let open = checkpoints;
  while (open.length > 0) {
    const interrupted: Checkpoint[] = [];
    for await (const checkpoint of trainAll(open, toStep)) {
      if (checkpoint.step >= toStep) yield checkpoint;
      else interrupted.push(checkpoint);
    }
    open = interrupted;
  }
}

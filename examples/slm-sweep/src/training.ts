import { LETTERS, type Activations, type Model } from './model.ts';
import { seededRandom } from './numbers.ts';

/** Adam's memory: two running means for each weight. */
export interface Moments {
  mean: Float32Array;
  square: Float32Array;
}

export interface Batch {
  step: number;
  learningRate: number;
  batchSize: number;
}

const [DECAY_MEAN, DECAY_SQUARE, EPSILON] = [0.9, 0.99, 1e-8];

/** Trains a model in place, one batch at a time. */
export class Trainer {
  readonly #model: Model;
  readonly #text: Uint8Array;
  readonly #moments: Moments;
  readonly #gradient: Float32Array;
  readonly #activations: Activations;

  constructor(model: Model, text: Uint8Array, moments: Moments) {
    this.#model = model;
    this.#text = text;
    this.#moments = moments;
    this.#gradient = new Float32Array(model.weights.length);
    this.#activations = model.newActivations();
  }

  /** One batch. What it looks at follows from the number of the step, so that a resumed training is the same one. */
  step({ step, learningRate, batchSize }: Batch): void {
    const { context } = this.#model.shape;
    const random = seededRandom(step * 7_919 + 1);
    this.#gradient.fill(0);
    for (let example = 0; example < batchSize; example++) {
      this.#addGradient(context + Math.floor(random() * (this.#text.length - context)));
    }
    this.#adjust(step + 1, learningRate, batchSize);
  }

  #addGradient(at: number): void {
    const { shape, layout, weights } = this.#model;
    const { inputs, hidden, shares } = this.#model.predict(this.#text, at, this.#activations);
    const gradient = this.#gradient;
    // The error of each score is its share, less 1 for the character that came.
    const target = this.#text[at] ?? 0;
    shares[target] = (shares[target] ?? 0) - 1;
    for (let letter = 0; letter < LETTERS; letter++) {
      const error = shares[letter] ?? 0;
      add(gradient, layout.outputBias + letter, error);
      const row = layout.output + letter * shape.hidden;
      for (let h = 0; h < shape.hidden; h++) add(gradient, row + h, error * (hidden[h] ?? 0));
    }
    for (let h = 0; h < shape.hidden; h++) {
      let error = 0;
      for (let letter = 0; letter < LETTERS; letter++) {
        error += (shares[letter] ?? 0) * (weights[layout.output + letter * shape.hidden + h] ?? 0);
      }
      error *= 1 - (hidden[h] ?? 0) ** 2;
      add(gradient, layout.hiddenBias + h, error);
      this.#addInputGradient(at, layout.hidden + h * inputs.length, error);
    }
  }

  #addInputGradient(at: number, row: number, error: number): void {
    const { shape, weights } = this.#model;
    const { inputs } = this.#activations;
    for (let i = 0; i < inputs.length; i++) {
      const letter = this.#text[at - shape.context + Math.floor(i / shape.width)] ?? 0;
      add(this.#gradient, row + i, error * (inputs[i] ?? 0));
      add(this.#gradient, letter * shape.width + (i % shape.width), error * (weights[row + i] ?? 0));
    }
  }

  #adjust(count: number, learningRate: number, batchSize: number): void {
    const { mean, square } = this.#moments;
    const { weights } = this.#model;
    const [meanBias, squareBias] = [1 - DECAY_MEAN ** count, 1 - DECAY_SQUARE ** count];
    for (let i = 0; i < weights.length; i++) {
      const slope = (this.#gradient[i] ?? 0) / batchSize;
      const m = (mean[i] = DECAY_MEAN * (mean[i] ?? 0) + (1 - DECAY_MEAN) * slope);
      const s = (square[i] = DECAY_SQUARE * (square[i] ?? 0) + (1 - DECAY_SQUARE) * slope * slope);
      weights[i] =
        (weights[i] ?? 0) - (learningRate * (m / meanBias)) / (Math.sqrt(s / squareBias) + EPSILON);
    }
  }
}

function add(values: Float32Array, at: number, change: number): void {
  values[at] = (values[at] ?? 0) + change;
}

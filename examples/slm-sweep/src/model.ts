import { ALPHABET } from './corpus.ts';
import { seededRandom, softmax } from './numbers.ts';

/** How large a model is. */
export interface Shape {
  /** Characters that it looks back. */
  context: number;
  /** Numbers per character. */
  width: number;
  /** Neurons of its hidden layer. */
  hidden: number;
}

export const LETTERS = ALPHABET.length;

/** Where each layer lies in the one array that holds all weights. */
export interface Layout {
  embedding: number;
  hidden: number;
  hiddenBias: number;
  output: number;
  outputBias: number;
  /** How many weights there are. */
  size: number;
}

export function layoutOf({ context, width, hidden }: Shape): Layout {
  const sizes = [LETTERS * width, context * width * hidden, hidden, hidden * LETTERS, LETTERS];
  const [hiddenAt, hiddenBias, output, outputBias, size] = sizes.map((_, at) =>
    sizes.slice(0, at + 1).reduce((sum, each) => sum + each, 0),
  ) as [number, number, number, number, number];
  return { embedding: 0, hidden: hiddenAt, hiddenBias, output, outputBias, size };
}

/** What one prediction computes on its way; reused, so that training allocates nothing. */
export interface Activations {
  inputs: Float32Array;
  hidden: Float32Array;
  shares: Float32Array;
}

/** A character model: looks a few characters back, and gives each character a chance to be the next. */
export class Model {
  readonly shape: Shape;
  readonly layout: Layout;
  readonly weights: Float32Array;

  constructor(shape: Shape, weights: Float32Array) {
    this.shape = shape;
    this.layout = layoutOf(shape);
    if (weights.length !== this.layout.size) {
      throw new RangeError(`a model of this shape has ${this.layout.size} weights, not ${weights.length}`);
    }
    this.weights = weights;
  }

  /** One that knows nothing yet. */
  static fresh(shape: Shape, seed: number): Model {
    const { size, hiddenBias, output, outputBias, hidden } = layoutOf(shape);
    const random = seededRandom(seed);
    const weights = Float32Array.from({ length: size }, () => random() - 0.5);
    scale(weights.subarray(hidden, hiddenBias), 2 / Math.sqrt(shape.context * shape.width));
    scale(weights.subarray(output, outputBias), 2 / Math.sqrt(shape.hidden));
    weights.fill(0, hiddenBias, output).fill(0, outputBias);
    return new Model(shape, weights);
  }

  newActivations(): Activations {
    const { context, width, hidden } = this.shape;
    return {
      inputs: new Float32Array(context * width),
      hidden: new Float32Array(hidden),
      shares: new Float32Array(LETTERS),
    };
  }

  /** Predicts the character at `at` from those before it; `shares` of the result are the chances. */
  predict(text: Uint8Array, at: number, into: Activations): Activations {
    const { context, width, hidden } = this.shape;
    const { weights: w, layout } = this;
    for (let back = 0; back < context; back++) {
      const letter = text[at - context + back] ?? 0;
      for (let i = 0; i < width; i++) into.inputs[back * width + i] = w[letter * width + i] ?? 0;
    }
    for (let h = 0; h < hidden; h++) {
      const row = layout.hidden + h * into.inputs.length;
      let sum = w[layout.hiddenBias + h] ?? 0;
      for (let i = 0; i < into.inputs.length; i++) sum += (w[row + i] ?? 0) * (into.inputs[i] ?? 0);
      into.hidden[h] = Math.tanh(sum);
    }
    for (let letter = 0; letter < LETTERS; letter++) {
      const row = layout.output + letter * hidden;
      let sum = w[layout.outputBias + letter] ?? 0;
      for (let h = 0; h < hidden; h++) sum += (w[row + h] ?? 0) * (into.hidden[h] ?? 0);
      into.shares[letter] = sum;
    }
    softmax(into.shares);
    return into;
  }

  /** How surprised it is by a text, in nats per character: 0 is perfect, `Math.log(31)` is guessing. */
  loss(text: Uint8Array): number {
    const { context } = this.shape;
    const activations = this.newActivations();
    let sum = 0;
    for (let at = context; at < text.length; at++) {
      sum -= Math.log(Math.max(1e-9, this.predict(text, at, activations).shares[text[at] ?? 0] ?? 0));
    }
    return sum / Math.max(1, text.length - context);
  }
}

function scale(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * factor;
}

import { ALPHABET, toIndexes } from './corpus.ts';
import type { Model } from './model.ts';
import { seededRandom } from './numbers.ts';

/** Goes on with a text, character by character; the same seed writes the same. */
export function* write(
  model: Model,
  prompt: string,
  options: { length: number; seed: number },
): Generator<string> {
  const { context } = model.shape;
  const random = seededRandom(options.seed);
  const activations = model.newActivations();
  let text = toIndexes(prompt.padStart(context, '\n'));
  for (let written = 0; written < options.length; written++) {
    const { shares } = model.predict(text, text.length, activations);
    const letter = draw(shares, random());
    text = Uint8Array.from([...text.slice(1 - context), letter]);
    yield ALPHABET[letter] ?? '';
  }
}

function draw(shares: Float32Array, point: number): number {
  let sum = 0;
  for (let letter = 0; letter < shares.length; letter++) {
    sum += shares[letter] ?? 0;
    if (point < sum) return letter;
  }
  return shares.length - 1;
}

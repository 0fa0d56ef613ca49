import { seededRandom } from './numbers.ts';

const ANIMALS = ['fox', 'hen', 'cat', 'dog', 'owl', 'mouse', 'goat', 'duck'];
const PLACES = ['barn', 'pond', 'mill', 'wood', 'garden', 'kitchen', 'hill'];
const DEEDS = [
  'sang',
  'slept',
  'hid a bone',
  'told a story',
  'found a coin',
  'ate a plum',
  'looked at the moon',
];
const TIMES = ['one day', 'at night', 'in spring', 'after the rain', 'every morning'];

/** The characters that texts consist of. */
export const ALPHABET = '\n abcdefghijklmnopqrstuvwxyz.,';

/** Tiny stories, always the same for a seed: enough structure to learn, and nobody's property. */
export function writeCorpus(sentences: number, seed = 7): string {
  const random = seededRandom(seed);
  const pick = (words: string[]) => words[Math.floor(random() * words.length)] ?? '';
  return Array.from({ length: sentences }, () => {
    const [first, second] = [pick(ANIMALS), pick(ANIMALS)];
    return `${pick(TIMES)}, the ${first} and the ${second} went to the ${pick(PLACES)}. the ${first} ${pick(DEEDS)}.\n`;
  }).join('');
}

/** A text as positions in the alphabet. */
export function toIndexes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const at = ALPHABET.indexOf(character);
    if (at < 0) throw new RangeError(`the character ${JSON.stringify(character)} is not in the alphabet`);
    return at;
  });
}

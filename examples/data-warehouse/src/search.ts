import type { ModelPage } from './pages.ts';

/** Something that the site says, and on which page. */
export interface Passage {
  page: string;
  text: string;
}

export interface Answer extends Passage {
  score: number;
}

/** How fast a word that comes again counts less, and how much long passages count less. */
const K1 = 1.2;
const B = 0.75;

/** What there is to be found about the tables. */
export function passagesOf(pages: readonly ModelPage[]): Passage[] {
  return pages.flatMap(({ model: { name, about, refs }, rows, sample }) => [
    { page: name, text: about },
    { page: name, text: `${name} has ${rows} rows and is made from ${refs.join(' and ') || 'raw data'}.` },
    ...(sample[0]
      ? [{ page: name, text: `${name} has the columns ${Object.keys(sample[0]).join(', ')}.` }]
      : []),
  ]);
}

/** The passages that say most about a question, best first, by BM25: rare words count most. */
export function search(passages: readonly Passage[], question: string, most = 3): Answer[] {
  const texts = passages.map(({ text }) => wordsOf(text));
  const mean = texts.reduce((sum, words) => sum + words.length, 0) / Math.max(1, texts.length);
  const asked = [...new Set(wordsOf(question))].map((word) => {
    const holders = texts.filter((words) => words.includes(word)).length;
    return { word, weight: Math.log(1 + (texts.length - holders + 0.5) / (holders + 0.5)) };
  });
  const answers = passages.map((passage, index) => {
    const words = texts[index] ?? [];
    const score = asked.reduce((sum, { word, weight }) => {
      const times = words.filter((each) => each === word).length;
      const length = 1 - B + (B * words.length) / mean;
      return sum + (weight * times * (K1 + 1)) / (times + K1 * length);
    }, 0);
    return { ...passage, score };
  });
  return answers
    .filter(({ score }) => score > 0)
    .sort((left, right) => right.score - left.score)
    .slice(0, most);
}

/** Without the ending of plurals, so that "zone" finds "zones". */
function wordsOf(text: string): string[] {
  return (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).map((word) => word.replace(/(?<=..)s$/, ''));
}

import { BuildError } from '@gantry/protocol';

/** Something wrong in the user's sources. */
export interface Mistake {
  /** Relative to the project's folder. */
  file: string;
  /** 1-based; undefined when the whole file is meant. */
  line?: number | undefined;
  /** 1-based; undefined when the whole line is meant. */
  column?: number | undefined;
  /** What is wrong, without the place. */
  what: string;
  /** What to do next, as one sentence. */
  hint: string;
}

/** One error for all mistakes found: one line of message for each, in the order of the sources. */
export function toBuildError(mistakes: readonly Mistake[], cause?: unknown): BuildError {
  const sorted = [...mistakes].sort(byPlace);
  const [first] = sorted;
  const message = sorted.map(describe).join('\n');
  const hint = [...new Set(sorted.map((mistake) => mistake.hint))].join(' ');
  const details = { file: first?.file, line: first?.line, mistakes: sorted };
  return new BuildError(message, { hint, details, ...(cause === undefined ? {} : { cause }) });
}

/** Place and message in one line. */
export function describe(mistake: Mistake): string {
  const place = mistake.line === undefined ? mistake.file : `${mistake.file}:${mistake.line}`;
  return `${place}: ${mistake.what}`;
}

function byPlace(left: Mistake, right: Mistake): number {
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return (left.line ?? 0) - (right.line ?? 0);
}

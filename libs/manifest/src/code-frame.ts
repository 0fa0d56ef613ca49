import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { BuildError } from '@gantry/protocol';

import { describe, type Mistake } from './mistake.ts';
import type { Project } from './project.ts';

/** A mistake as the details of a BuildError tell of it. */
export interface ShownMistake extends Mistake {
  /** Place and message. */
  text: string;
  /** The lines around it; undefined where they cannot be shown. */
  frame?: string | undefined;
}

const LINES_AROUND = 2;
const LONGEST_LINE = 160;
// Who wrote more mistakes than this at once looks at the first.
const MOST_FRAMES = 5;

/** The lines around a place, the one that is meant marked with ">", and its column with "^" where it is known. */
export function codeFrame(text: string, { line, column }: { line: number; column?: number | undefined }) {
  const lines = text.split(/\r?\n/);
  const first = Math.max(1, line - LINES_AROUND);
  const last = Math.min(lines.length, line + LINES_AROUND);
  const width = String(last).length;
  return lines.slice(first - 1, last).flatMap((source, at) => {
    const isMeant = first + at === line;
    const shown = source.length > LONGEST_LINE ? `${source.slice(0, LONGEST_LINE)}…` : source;
    const framed = `${isMeant ? '>' : ' '} ${String(first + at).padStart(width)} | ${shown}`.trimEnd();
    if (!isMeant || column === undefined || column > shown.length + 1) return [framed];
    // A tab takes as much room above the mark as in the line.
    const before = source.slice(0, column - 1).replaceAll(/[^\t]/g, ' ');
    return [framed, `  ${' '.repeat(width)} | ${before}^`];
  });
}

/** The same error, with the sources around the places that it names. */
export function withCodeFrames(error: unknown, project: Project): unknown {
  if (!(error instanceof BuildError) || !Array.isArray(error.details['mistakes'])) return error;
  const mistakes = (error.details['mistakes'] as Mistake[]).map((mistake, at): ShownMistake => {
    const frame = at < MOST_FRAMES ? frameOf(mistake, project) : undefined;
    return { ...mistake, text: describe(mistake), ...(frame === undefined ? {} : { frame }) };
  });
  const { message, hint, details, cause } = error;
  return new BuildError(message, { hint, cause, details: { ...details, mistakes } });
}

function frameOf({ file, line, column }: Mistake, { root }: Project): string | undefined {
  if (line === undefined) return undefined;
  try {
    const frame = codeFrame(readFileSync(join(root, file), 'utf8'), { line, column });
    return frame.length === 0 ? undefined : frame.join('\n');
  } catch {
    // Sources of packages, or of files that are gone, cannot be shown.
    return undefined;
  }
}

import type { LogEntry } from '@gantry/protocol';

import { plainText } from './terminal-text.ts';

const MOST_LINES = 5_000;

/** An entry as it is listed. */
export interface LogLine extends LogEntry {
  /** Counts up, so that a list keeps its rows. */
  number: number;
  /** What a search looks at, in lower case. */
  sought: string;
}

/** Which lines are shown; empty texts hold for all. */
export interface LogFilter {
  functionName: string;
  containerId: string;
  text: string;
}

/** Adds entries to lines; the oldest go when there are too many for a page. */
export function addLines(lines: readonly LogLine[], entries: readonly LogEntry[]): readonly LogLine[] {
  if (entries.length === 0) return lines;
  let number = lines.at(-1)?.number ?? 0;
  const added = entries.map((entry) => ({
    ...entry,
    text: entry.text.replace(/\n$/, ''),
    number: (number += 1),
    sought: plainText(entry.text).toLowerCase(),
  }));
  return [...lines, ...added].slice(-MOST_LINES);
}

export function filterLines(lines: readonly LogLine[], filter: LogFilter): readonly LogLine[] {
  const { functionName, containerId } = filter;
  const text = filter.text.trim().toLowerCase();
  if (functionName === '' && containerId === '' && text === '') return lines;
  return lines.filter(
    (line) =>
      (functionName === '' || line.functionName === functionName) &&
      (containerId === '' || line.containerId === containerId) &&
      (text === '' || line.sought.includes(text)),
  );
}

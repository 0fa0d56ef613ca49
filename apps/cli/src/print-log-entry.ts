import type { LogEntry } from '@gantry/protocol';

import type { Terminal } from './terminal/terminal.ts';

/** Prints one entry where it belongs: output to standard output, errors and platform notes to standard error. */
export function printLogEntry(
  entry: LogEntry,
  terminal: Terminal,
  options: { timestamps?: boolean } = {},
): void {
  const text = entry.text.endsWith('\n') ? entry.text : `${entry.text}\n`;
  const time = options.timestamps ? `${new Date(entry.atMs).toISOString()} ` : '';
  if (entry.stream === 'stdout') return terminal.raw('stdout', time + text);
  const painted = entry.stream === 'system' ? terminal.noteStyle.dim(text.trimEnd()) + '\n' : text;
  terminal.raw('stderr', time + painted);
}

import type { LogEntry } from '@gantry/protocol';

import type { Terminal } from './terminal/terminal.ts';

/** Prints one entry where it belongs: output to standard output, errors and platform notes to standard error. */
export function printLogEntry(
  entry: LogEntry,
  terminal: Terminal,
  options: { timestamps?: boolean } = {},
): void {
  const ended = entry.text.endsWith('\n') ? entry.text : `${entry.text}\n`;
  const time = options.timestamps ? `${new Date(entry.atMs).toISOString()} ` : '';
  const from = entry.rank === undefined ? time : `${time}[rank ${entry.rank}] `;
  if (entry.stream === 'stdout') return terminal.raw('stdout', from + ended);
  const painted = entry.stream === 'system' ? terminal.noteStyle.dim(ended.trimEnd()) + '\n' : ended;
  terminal.raw('stderr', from + painted);
}

import type { LogEntry } from '@gantry/protocol';
import { findConnection } from 'gantry/internal';

import { ApiClient, type LogQuery } from '../api-client.ts';
import { SHARED_OPTIONS, type CommandOptions, type CommandSpec } from '../command.ts';
import { printLogEntry } from '../print-log-entry.ts';
import { stopSignal } from '../stop-signal.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../usage-error.ts';

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const appLogsCommand: CommandSpec = {
  path: ['app', 'logs'],
  summary: 'print what the containers of an app wrote',
  arguments: [{ usage: '<app>', description: 'name or id of the app' }],
  options: [
    { flags: '-f, --follow', description: 'keep printing until the app stops or Ctrl-C' },
    { flags: '--since <age>', description: 'only what is younger, such as 30s, 10m, 2h or 1d' },
    { flags: '--timestamps', description: 'put the time before each line' },
    SHARED_OPTIONS.environment,
    SHARED_OPTIONS.json,
  ],
  examples: [
    ['gantry app logs hello-world', 'everything there is'],
    ['gantry app logs -f hello-world', 'everything, then what comes'],
    ['gantry app logs --since 10m --timestamps hello-world', 'the last ten minutes, with times'],
  ],
  async run({ terminal, env }, input) {
    const { options } = input;
    const client = new ApiClient(findConnection(env, { environment: options.text('env') }));
    await printLogs(terminal, options, (query) =>
      client.readLogs(input.arguments[0] ?? '', { ...query, follow: options.flag('follow') }),
    );
  },
};

/** Prints entries, as the options of a command say, until they end or Ctrl-C. */
export async function printLogs(
  terminal: Terminal,
  options: CommandOptions,
  read: (query: LogQuery) => AsyncIterable<LogEntry>,
): Promise<void> {
  const since = options.text('since');
  const sinceMs = since === undefined ? undefined : Date.now() - parseAge(since);
  const stop = stopSignal();
  try {
    for await (const entry of read({ sinceMs, signal: stop.signal })) {
      if (options.flag('json')) terminal.out(JSON.stringify(entry));
      else printLogEntry(entry, terminal, { timestamps: options.flag('timestamps') });
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.release();
  }
}

/** Parses `30s`, `10m`, `2h` or `1d` into milliseconds. */
export function parseAge(text: string): number {
  const { count, unit } = /^(?<count>\d+)(?<unit>[smhd])$/.exec(text)?.groups ?? {};
  const unitMs = UNITS_MS[unit ?? ''];
  if (count === undefined || unitMs === undefined) {
    throw new UsageError(`--since must be an age such as 30s, 10m, 2h or 1d, not "${text}"`);
  }
  return Number(count) * unitMs;
}

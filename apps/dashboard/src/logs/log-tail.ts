import type { LogEntry } from '@gantry/protocol';
// By itself: what is beside it needs Node.
import { LogPlace } from '@gantry/protocol/log-place';

import { appUrl, ask, type AppAddress } from '../access/api.ts';
import { Problem } from '../access/problem.ts';
import { LineSplitter } from './line-splitter.ts';

const RETRY_MS = 2_000;

/** `live` while new lines come as they are written; `ended` when no more will; else why there are none now. */
export type TailState = 'live' | 'ended' | Problem;

export interface TailOptions {
  sinceMs: number;
  signal: AbortSignal;
  onEntries(entries: LogEntry[]): void;
  onState(state: TailState): void;
}

/** Follows the log of an app until `signal`, or until the app has ended for good; over interruptions too. */
export async function followLogs(address: AppAddress, options: TailOptions): Promise<void> {
  const { sinceMs, signal, onEntries, onState } = options;
  const place = new LogPlace();
  while (!signal.aborted) {
    try {
      const from = place.resume();
      const start = from === undefined ? { since: String(sinceMs) } : { from: String(from) };
      const response = await ask(appUrl(address, '/logs', { follow: '1', ...start }), signal);
      onState('live');
      for await (const entries of entriesOf(response))
        onEntries(entries.filter((entry) => place.isNew(entry)));
      return onState('ended');
    } catch (error) {
      if (signal.aborted) return;
      onState(error instanceof Problem ? error : new Problem(0, 'the connection broke off'));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function* entriesOf(response: Response): AsyncGenerator<LogEntry[]> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const splitter = new LineSplitter();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    const lines = splitter.add(part.value).filter((line) => line !== '');
    if (lines.length > 0) yield lines.map((line) => JSON.parse(line) as LogEntry);
  }
}

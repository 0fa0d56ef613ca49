import { useEffect, useRef, useState } from 'react';

import type { AppAddress } from '../access/api.ts';
import { addLines, type LogLine } from './log-lines.ts';
import { followLogs, type TailState } from './log-tail.ts';

/** Lines may come by the thousand: they are shown together, a few times a second. */
const SHOWN_EVERY_MS = 100;

export interface Logs {
  lines: readonly LogLine[];
  state: TailState | 'opening';
}

/** The log of an app from `sinceMs` on, as it grows. */
export function useLogs({ app, environment }: AppAddress, sinceMs: number): Logs {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [state, setState] = useState<Logs['state']>('opening');
  const pending = useRef<readonly LogLine[]>([]);
  useEffect(() => {
    const ended = new AbortController();
    pending.current = [];
    setLines([]);
    setState('opening');
    void followLogs(
      { app, environment },
      {
        sinceMs,
        signal: ended.signal,
        onEntries: (entries) => {
          pending.current = addLines(pending.current, entries);
        },
        onState: setState,
      },
    );
    // React leaves it alone while it is the same list.
    const timer = setInterval(() => setLines(pending.current), SHOWN_EVERY_MS);
    return () => {
      clearInterval(timer);
      ended.abort();
    };
  }, [app, environment, sinceMs]);
  return { lines, state };
}

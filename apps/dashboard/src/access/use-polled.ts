import { useEffect, useRef, useState } from 'react';

/** What was read last, and why the last attempt to read it again failed. */
export interface Polled<T> {
  value: T | undefined;
  error: Error | undefined;
}

/**
 * Reads something now and again every `everyMs`, while the page is visible. `key` says what it is: with another one, what
 * was read before is dropped.
 */
export function usePolled<T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  everyMs: number,
): Polled<T> {
  const [polled, setPolled] = useState<Polled<T> & { key: string }>({
    key,
    value: undefined,
    error: undefined,
  });
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    const ended = new AbortController();
    let timer: number | undefined;
    const poll = async (): Promise<void> => {
      try {
        const value = await latest.current(ended.signal);
        if (!ended.signal.aborted) setPolled({ key, value, error: undefined });
      } catch (error) {
        if (ended.signal.aborted) return;
        setPolled((before) => ({
          key,
          value: before.key === key ? before.value : undefined,
          error: error as Error,
        }));
      }
      if (!ended.signal.aborted && !document.hidden) timer = setTimeout(() => void poll(), everyMs);
    };
    const onVisible = (): void => {
      clearTimeout(timer);
      if (!document.hidden) void poll();
    };
    document.addEventListener('visibilitychange', onVisible);
    void poll();
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      clearTimeout(timer);
      ended.abort();
    };
  }, [key, everyMs]);
  return polled.key === key ? polled : { value: undefined, error: undefined };
}

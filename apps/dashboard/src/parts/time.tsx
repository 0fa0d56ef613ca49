import { instant, relative } from '../format/times.ts';

/** An instant as seen from now; the exact one on hovering. */
export function Time({ atMs, nowMs }: { atMs: number; nowMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={instant(atMs)}>
      {relative(atMs, nowMs)}
    </time>
  );
}

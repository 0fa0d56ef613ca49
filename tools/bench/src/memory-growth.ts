import type { MemorySeries } from './memory-watch.ts';

/** A stretch of time. */
export interface Interval {
  startedAtMs: number;
  endedAtMs: number;
}

/** How the memory of one process changed between the last two rounds. */
export interface ProcessGrowth {
  name: string;
  /** Peak of the round before the last. */
  beforeMiB: number;
  /** Peak of the last round. */
  afterMiB: number;
  ratio: number;
}

/** Compares the last two rounds of every process that was there in both. */
export function memoryGrowth(memory: readonly MemorySeries[], rounds: readonly Interval[]): ProcessGrowth[] {
  const [before, after] = rounds.slice(-2);
  if (!before || !after) throw new RangeError('growth takes at least two rounds');
  return memory.flatMap((series) => {
    const beforeMiB = peak(series, before);
    const afterMiB = peak(series, after);
    if (beforeMiB === undefined || afterMiB === undefined) return [];
    return [{ name: series.name, beforeMiB, afterMiB, ratio: afterMiB / beforeMiB }];
  });
}

function peak({ samples }: MemorySeries, { startedAtMs, endedAtMs }: Interval): number | undefined {
  const within = samples.filter(({ atMs }) => atMs >= startedAtMs && atMs <= endedAtMs);
  return within.length === 0 ? undefined : Math.max(...within.map(({ residentMiB }) => residentMiB));
}

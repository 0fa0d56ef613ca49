import { readFileSync } from 'node:fs';

const BYTES_PER_KB = 1024;
/** In what Linux tells programs, on every machine. */
const MS_PER_TICK = 10;

/** What a process and its descendants have in memory; undefined if there is no such process, or no `/proc`. */
export function processTreeMemoryBytes(pid: number): number | undefined {
  const own = residentBytes(pid);
  if (own === undefined) return undefined;
  return childrenOf(pid).reduce((sum, child) => sum + (processTreeMemoryBytes(child) ?? 0), own);
}

/** What a process and its descendants have used of CPU; undefined if there is no such process, or no `/proc`. */
export function processTreeCpuMs(pid: number): number | undefined {
  // Its name may hold spaces and brackets; behind it come the state, and from the 12th on what it and ended children used.
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  if (fields.length < 15) return undefined;
  const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) * MS_PER_TICK, 0);
  return childrenOf(pid).reduce((sum, child) => sum + (processTreeCpuMs(child) ?? 0), own);
}

function residentBytes(pid: number): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`));
  return found ? Number(found[1]) * BYTES_PER_KB : undefined;
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { processTree } from './process-tree.ts';

const SAMPLE_EVERY_MS = 250;

/** Resident memory of one process over time. */
export interface MemorySeries {
  /** Its command line, without folders. */
  name: string;
  samples: { atMs: number; residentMiB: number }[];
}

/** Samples every process that this program started, until `work` is done. */
export async function watchMemory<T>(work: () => Promise<T>): Promise<{ result: T; memory: MemorySeries[] }> {
  const series = new Map<number, MemorySeries>();
  const ended = new AbortController();
  const sampling = (async () => {
    while (!ended.signal.aborted) {
      for (const pid of await processTree(process.pid)) if (pid !== process.pid) await sample(pid, series);
      await delay(SAMPLE_EVERY_MS);
    }
  })();
  try {
    return { result: await work(), memory: [...series.values()] };
  } finally {
    ended.abort();
    await sampling;
  }
}

async function sample(pid: number, series: Map<number, MemorySeries>): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kiB = /VmRSS:\s+(\d+)/.exec(status)?.[1];
  if (kiB === undefined) return;
  let known = series.get(pid);
  if (!known) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    known = { name: shortName(command), samples: [] };
    series.set(pid, known);
  }
  known.samples.push({ atMs: Date.now(), residentMiB: Number(kiB) / 1024 });
}

function shortName(commandLine: string): string {
  const words = commandLine.split('\0').filter((word) => word !== '' && !word.startsWith('-'));
  return words
    .slice(0, 3)
    .map((word) => basename(word))
    .join(' ');
}

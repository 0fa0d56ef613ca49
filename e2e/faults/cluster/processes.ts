import { readdir, readFile } from 'node:fs/promises';

export interface ClusterProcess {
  pid: number;
  command: string;
}

/** All processes of a cluster: of its programs, of containers, and of what code in containers started. Linux only. */
export async function processesOf(directory: string): Promise<ClusterProcess[]> {
  const found: ClusterProcess[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const [environment, command] = await Promise.all(
      ['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    if (environment?.includes(directory) || command?.includes(directory)) {
      found.push({ pid, command: (command ?? '').replaceAll('\0', ' ').trim() });
    }
  }
  return found.sort((a, b) => a.pid - b.pid);
}

/** Process ids of its containers, those started ahead of need included. */
export async function containersOf(directory: string): Promise<number[]> {
  const processes = await processesOf(directory);
  return processes.filter(({ command }) => command.includes('runner.cjs')).map(({ pid }) => pid);
}

/** Signals a process that may be gone already. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { cgroupLayout } from '@gantry/containers';

const NS_PER_MS = 1_000_000;
const US_PER_MS = 1_000;
const POLL_MS = 10;

/**
 * What the kernel has counted of this program's children and of what they have started: also of what has ended, to the
 * nanosecond. What `/proc` says of ended programs is rounded down to 10 ms for each.
 */
export class CpuAccount {
  readonly #root: string;
  readonly #controller: string;
  readonly #own: string;

  /** Moves this program into a group of its own, where what it starts is counted. Root is needed. */
  constructor() {
    const layout = cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
    this.#controller = layout?.version === 2 ? '' : 'cpuacct';
    const root = layout?.hierarchies.get(this.#controller || 'unified');
    if (root === undefined) throw new Error('this machine counts no CPU time by groups');
    this.#root = root;
    this.#own = join(root, `gantry-bench-${process.pid}`);
    mkdirSync(this.#own, { recursive: true });
    writeFileSync(join(this.#own, 'cgroup.procs'), String(process.pid));
  }

  /** CPU time until now, ms: of all that was started, also in groups that these processes have moved to, but not of this program. */
  readMs(pids: readonly number[] = []): number {
    const { user, system } = process.cpuUsage();
    const groups = new Set([this.#own, ...pids.map((pid) => this.#groupOf(pid))]);
    return [...groups].reduce((sum, group) => sum + usedMs(group), 0) - (user + system) / US_PER_MS;
  }

  /** Call it when all that was started has ended, or is about to. */
  async close(): Promise<void> {
    writeFileSync(join(this.#root, 'cgroup.procs'), String(process.pid));
    const procs = join(this.#own, 'cgroup.procs');
    while (readFileSync(procs, 'utf8') !== '') await delay(POLL_MS);
    rmdirSync(this.#own);
  }

  #groupOf(pid: number): string {
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
    const line = lines.map((each) => each.split(':')).find(([, names]) => this.#isMine(names ?? ''));
    return join(this.#root, line?.[2] ?? '');
  }

  #isMine(names: string): boolean {
    return names.split(',').includes(this.#controller);
  }
}

function usedMs(group: string): number {
  const usage = join(group, 'cpuacct.usage');
  if (existsSync(usage)) return Number(readFileSync(usage, 'utf8')) / NS_PER_MS;
  const stat = readFileSync(join(group, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / US_PER_MS;
}

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cgroupLayout } from '@gantry/containers';

const NS_PER_MS = 1_000_000;
const US_PER_MS = 1_000;
/** Where containers have their groups. */
const CONTAINERS = 'gantry';

/**
 * What the kernel has counted of this program, of all that it has started, and of containers: also of what has ended, to
 * the nanosecond. What `/proc` says of ended programs is rounded down to 10 ms for each.
 */
export class CpuAccount {
  readonly #own: string;
  readonly #groups: string[];
  readonly #root: string;

  /** Moves this program into a group of its own, where what it starts is counted. Root is needed. */
  constructor() {
    const layout = cgroupLayout(readFileSync('/proc/self/mountinfo', 'utf8'));
    const root = layout?.hierarchies.get(layout.version === 2 ? 'unified' : 'cpuacct');
    if (root === undefined) throw new Error('this machine counts no CPU time by groups');
    this.#root = root;
    this.#own = join(root, `gantry-bench-${process.pid}`);
    this.#groups = [this.#own, join(root, CONTAINERS)];
    for (const group of this.#groups) mkdirSync(group, { recursive: true });
    writeFileSync(join(this.#own, 'cgroup.procs'), String(process.pid));
  }

  /** CPU time until now, ms, without that of this program itself. */
  readMs(): number {
    const { user, system } = process.cpuUsage();
    return this.#groups.reduce((sum, group) => sum + usedMs(group), 0) - (user + system) / US_PER_MS;
  }

  /** Call it when all that was started has ended. */
  close(): void {
    writeFileSync(join(this.#root, 'cgroup.procs'), String(process.pid));
    rmdirSync(this.#own);
  }
}

function usedMs(group: string): number {
  const usage = join(group, 'cpuacct.usage');
  if (existsSync(usage)) return Number(readFileSync(usage, 'utf8')) / NS_PER_MS;
  const stat = readFileSync(join(group, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / US_PER_MS;
}

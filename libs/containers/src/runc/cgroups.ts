import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { ContainerError } from '@gantry/protocol';

import type { ContainerLimits } from '../container-driver.ts';

/** Processes and threads at once, where nothing else is said: enough for any program, too few for a fork bomb. */
export const DEFAULT_PIDS = 2048;
const UNIFIED_MOUNT = '/sys/fs/cgroup';
/** Below the root of each hierarchy. */
const PARENT = 'gantry';
/** Controllers of version 1 that a container has a group of; the others count nothing that is limited. */
const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'devices', 'freezer'];
/** What every container may use, as the device cgroup takes it: null, zero, full, random, urandom, and terminals. */
const COMMON_DEVICES = ['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:2', '136:*'].map((id) => `c ${id} rwm`);
const REMOVE_TRIES = 500;
const REMOVE_RETRY_MS = 10;

/** How this machine counts and limits what processes use. */
export interface CgroupLayout {
  /** 1 also for the hybrid layout, in which the controllers that matter are those of version 1. */
  version: 1 | 2;
  /** Folder of each controller's hierarchy; that of version 2, also beside others, under the name `unified`. */
  hierarchies: ReadonlyMap<string, string>;
}

/** Reads the layout from the text of `/proc/self/mountinfo`; undefined where there is none to use. */
export function cgroupLayout(mountinfo: string): CgroupLayout | undefined {
  const hierarchies = new Map<string, string>();
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before.split(' ')[4] ?? '';
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2' && mountPoint === UNIFIED_MOUNT) {
      return { version: 2, hierarchies: new Map([['unified', mountPoint]]) };
    }
    if (type === 'cgroup2') hierarchies.set('unified', mountPoint);
    if (type !== 'cgroup') continue;
    // `rw` and the like name no controller, and do no harm.
    for (const name of options.split(',')) if (!hierarchies.has(name)) hierarchies.set(name, mountPoint);
  }
  return hierarchies.has('memory') ? { version: 1, hierarchies } : undefined;
}

/** Where this process may make no groups: containers have no limits then. */
export const NO_CGROUPS: CgroupLayout = { version: 1, hierarchies: new Map() };

/** The files that hold a limit: controller, name, content. */
export function limitFiles(version: 1 | 2, limits: ContainerLimits): [string, string, string][] {
  const { cpu, cpuLimit, memoryMiB, pids } = limits;
  const quota = cpuLimit === undefined ? undefined : cpuQuota(cpuLimit);
  const memory = memoryMiB === undefined ? undefined : String(memoryMiB * 1024 * 1024);
  const files: [string, string, string | undefined][] =
    version === 1
      ? [
          ['cpu', 'cpu.shares', cpu === undefined ? undefined : String(cpuShares(cpu))],
          ['cpu', 'cpu.cfs_quota_us', quota && String(quota.quota)],
          ['memory', 'memory.limit_in_bytes', memory],
          ['pids', 'pids.max', pids === undefined ? undefined : String(pids)],
        ]
      : [
          ['unified', 'cpu.weight', cpu === undefined ? undefined : String(cpuWeight(cpuShares(cpu)))],
          ['unified', 'cpu.max', quota && `${quota.quota} ${quota.period}`],
          ['unified', 'memory.max', memory],
          ['unified', 'pids.max', pids === undefined ? undefined : String(pids)],
        ];
  return files.filter((file): file is [string, string, string] => file[2] !== undefined);
}

/** What a container gets of a busy machine, as version 1 counts it. */
export function cpuShares(cores: number): number {
  return Math.max(2, Math.round(cores * 1024));
}

/** The same as version 2 counts it: from 1 to 10000 instead of from 2 to 262144. */
export function cpuWeight(shares: number): number {
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}

/** Microseconds of CPU per period of microseconds. */
export function cpuQuota(cores: number): { quota: number; period: number } {
  const period = 100_000;
  return { quota: Math.max(1000, Math.round(cores * period)), period };
}

/** The group of one container's processes. */
export class ContainerCgroup {
  /** As an OCI runtime takes it. */
  readonly path: string;
  readonly #layout: CgroupLayout;

  constructor(layout: CgroupLayout, name: string) {
    this.#layout = layout;
    this.path = `/${PARENT}/${name}`;
  }

  /** How many of its processes the kernel has killed for want of memory. */
  get oomKills(): number {
    const [controller, file] =
      this.#layout.version === 1 ? ['memory', 'memory.oom_control'] : ['unified', 'memory.events'];
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(controller as string, file as string))?.[1] ?? 0);
  }

  /** What its processes have in memory, what they share counted once; undefined where that is not counted. */
  get memoryBytes(): number | undefined {
    const [controller, names] =
      this.#layout.version === 1
        ? (['memory', ['rss', 'shmem']] as const)
        : (['unified', ['anon', 'shmem']] as const);
    const stat = this.#read(controller, 'memory.stat');
    const parts = names.map((name) => new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1]);
    return parts.includes(undefined) ? undefined : parts.reduce((sum, part) => sum + Number(part), 0);
  }

  /** What its processes have used of CPU; undefined where that is not counted. */
  get cpuTimeMs(): number | undefined {
    if (this.#layout.version === 1) {
      const nanoseconds = this.#read('cpuacct', 'cpuacct.usage').trim();
      return nanoseconds === '' ? undefined : Number(nanoseconds) / 1e6;
    }
    const microseconds = /^usage_usec (\d+)$/m.exec(this.#read('unified', 'cpu.stat'))?.[1];
    return microseconds === undefined ? undefined : Number(microseconds) / 1e3;
  }

  /** Where a process writes 0 to be in the group. */
  get procsFiles(): string[] {
    return this.#folders.map((folder) => join(folder, 'cgroup.procs'));
  }

  /** Makes the group, for a runtime that makes none. `devices` are those that it may use beside the common ones. */
  create(limits: ContainerLimits, devices: readonly string[] = []): void {
    if (this.#layout.version === 2) passOnControllers(this.#layout);
    for (const folder of this.#folders) mkdirSync(folder, { recursive: true });
    this.setLimits({ ...limits, pids: limits.pids ?? DEFAULT_PIDS });
    if (!this.#layout.hierarchies.has('devices')) return;
    this.#write('devices', 'devices.deny', 'a');
    for (const device of [...COMMON_DEVICES, ...devices]) this.#write('devices', 'devices.allow', device);
  }

  /** Sets limits of a group whose processes run already. */
  setLimits(limits: ContainerLimits): void {
    if (this.#layout === NO_CGROUPS) return;
    for (const [controller, file, value] of limitFiles(this.#layout.version, limits)) {
      this.#write(controller, file, value);
    }
    this.#limitSwap(limits);
  }

  /** No swap beyond its memory, where the machine counts it. */
  #limitSwap({ memoryMiB }: ContainerLimits): void {
    if (memoryMiB === undefined) return;
    const [controller, file, value] =
      this.#layout.version === 1
        ? (['memory', 'memory.memsw.limit_in_bytes', String(memoryMiB * 1024 * 1024)] as const)
        : (['unified', 'memory.swap.max', '0'] as const);
    if (existsSync(join(this.#folder(controller), file))) this.#write(controller, file, value);
  }

  /** SIGKILL to every process in it. Returns how many there were. */
  kill(): number {
    const [first = ''] = this.#layout.version === 1 ? ['memory'] : ['unified'];
    const pids = this.#read(first, 'cgroup.procs').split('\n').filter(Boolean).map(Number);
    for (const pid of pids) sendKill(pid);
    return pids.length;
  }

  /** Removes the group, once its processes are gone. */
  async remove(): Promise<void> {
    for (const folder of new Set(this.#layout.hierarchies.values())) {
      await removeGroup(join(folder, this.path));
    }
  }

  get #folders(): string[] {
    const names = this.#layout.version === 1 ? CONTROLLERS : ['unified'];
    const there = names.filter((name) => this.#layout.hierarchies.has(name));
    return [...new Set(there.map((name) => this.#folder(name)))];
  }

  #write(controller: string, file: string, value: string): void {
    const path = join(this.#folder(controller), file);
    try {
      writeFileSync(path, value);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new ContainerError(
        `a container cannot be limited: writing "${value}" to ${path} failed (${code})`,
        {
          cause,
        },
      );
    }
  }

  #folder(controller: string): string {
    return join(this.#layout.hierarchies.get(controller) ?? UNIFIED_MOUNT, this.path);
  }

  #read(controller: string, file: string): string {
    try {
      return readFileSync(join(this.#folder(controller), file), 'latin1');
    } catch {
      // The group is gone.
      return '';
    }
  }
}

/** In version 2 a group has the controllers that the one above passes on. */
function passOnControllers({ hierarchies }: CgroupLayout): void {
  const top = hierarchies.get('unified') ?? UNIFIED_MOUNT;
  for (const folder of [top, join(top, PARENT)]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'cgroup.subtree_control'), '+cpu +memory +pids');
  }
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (let tries = 0; tries < REMOVE_TRIES && existsSync(folder); tries++) {
    try {
      rmdirSync(folder);
    } catch {
      // Processes that were killed take a moment to leave, on a busy machine a longer one.
      await delay(REMOVE_RETRY_MS);
    }
  }
}

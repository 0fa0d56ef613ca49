import { DEFAULTS, type FunctionOptionsSpec, type MachineCapacity } from '@gantry/protocol';

import { countKinds, type GpuCounts } from './gpu-types.ts';

/** What a machine has, or what is taken of it. What is left out is none. */
export interface Resources {
  cpu: number;
  memoryMiB: number;
  diskMiB?: number | undefined;
  gpus?: GpuCounts | undefined;
}

// Sums of binary fractions are exact, in whatever order containers come and go.
const PARTS = 2 ** 20;

/** What a machine has, as its worker says it. */
export function machineResources({
  cpu,
  memoryMiB,
  diskMiB = Number.POSITIVE_INFINITY,
  gpus,
}: MachineCapacity): Resources {
  return { cpu, memoryMiB, diskMiB, gpus: gpus && countKinds(gpus) };
}

/** What one container of a function asks of its machine, besides GPUs: of those it may say several. */
export function resourceNeed(options: FunctionOptionsSpec): Resources {
  return {
    cpu: requestOf(options.cpu) ?? DEFAULTS.cpu,
    memoryMiB: requestOf(options.memoryMiB) ?? DEFAULTS.memoryMiB,
    diskMiB: options.ephemeralDiskMiB,
  };
}

/** The same, rounded down by less than a millionth, so that ten tenths of a core are no more than one. */
export function exactNeed(options: FunctionOptionsSpec): Resources {
  const { cpu, memoryMiB, diskMiB } = resourceNeed(options);
  return { cpu: Math.floor(cpu * PARTS) / PARTS, memoryMiB: Math.floor(memoryMiB * PARTS) / PARTS, diskMiB };
}

/** Whether so much fits into what a machine has besides what is used of it. */
export function hasRoom(capacity: Resources, used: Resources, need: Resources): boolean {
  return (
    used.cpu + need.cpu <= capacity.cpu &&
    used.memoryMiB + need.memoryMiB <= capacity.memoryMiB &&
    (used.diskMiB ?? 0) + (need.diskMiB ?? 0) <= (capacity.diskMiB ?? 0) &&
    kindsIn(need.gpus).every((kind) => at(used.gpus, kind) + at(need.gpus, kind) <= at(capacity.gpus, kind))
  );
}

/** Whether one need is at least as large as another in everything: where the other has no room, it has none. */
export function isAtLeast(need: Resources, other: Resources): boolean {
  return (
    need.cpu >= other.cpu &&
    need.memoryMiB >= other.memoryMiB &&
    (need.diskMiB ?? 0) >= (other.diskMiB ?? 0) &&
    kindsIn(other.gpus).every((kind) => at(need.gpus, kind) >= at(other.gpus, kind))
  );
}

export function isSame(a: Resources, b: Resources): boolean {
  return isAtLeast(a, b) && isAtLeast(b, a);
}

export function noResources(): Resources {
  return { cpu: 0, memoryMiB: 0 };
}

export function sum(a: Resources, b: Resources): Resources {
  return combine(a, b, (left, right) => left + right);
}

export function difference(a: Resources, b: Resources): Resources {
  return combine(a, b, (left, right) => left - right);
}

export function greater(a: Resources, b: Resources): Resources {
  return combine(a, b, Math.max);
}

function combine(a: Resources, b: Resources, join: (left: number, right: number) => number): Resources {
  return {
    cpu: join(a.cpu, b.cpu),
    memoryMiB: join(a.memoryMiB, b.memoryMiB),
    diskMiB: join(a.diskMiB ?? 0, b.diskMiB ?? 0),
    gpus: a.gpus || b.gpus ? combineGpus(a.gpus, b.gpus, join) : undefined,
  };
}

function combineGpus(
  a: GpuCounts | undefined,
  b: GpuCounts | undefined,
  join: (left: number, right: number) => number,
): GpuCounts | undefined {
  const joined: Record<string, number> = {};
  for (const kind of new Set([...kindsIn(a), ...kindsIn(b)])) {
    const count = join(at(a, kind), at(b, kind));
    if (count !== 0) joined[kind] = count;
  }
  return Object.keys(joined).length > 0 ? joined : undefined;
}

function kindsIn(gpus: GpuCounts | undefined): string[] {
  return gpus ? Object.keys(gpus) : [];
}

function at(gpus: GpuCounts | undefined, kind: string): number {
  return gpus?.[kind] ?? 0;
}

function requestOf(value: number | [request: number, limit: number] | undefined): number | undefined {
  return Array.isArray(value) ? value[0] : value;
}

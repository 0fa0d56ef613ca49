import { DEFAULTS, type FunctionOptionsSpec } from '@gantry/protocol';

/** Cores and memory. */
export interface Resources {
  cpu: number;
  memoryMiB: number;
}

// Sums of binary fractions are exact, in whatever order containers come and go.
const PARTS = 2 ** 20;

/** What one container of a function asks of its machine. */
export function resourceNeed(options: FunctionOptionsSpec): Resources {
  return {
    cpu: requestOf(options.cpu) ?? DEFAULTS.cpu,
    memoryMiB: requestOf(options.memoryMiB) ?? DEFAULTS.memoryMiB,
  };
}

/** The same, rounded down by less than a millionth, so that ten tenths of a core are no more than one. */
export function exactNeed(options: FunctionOptionsSpec): Resources {
  const { cpu, memoryMiB } = resourceNeed(options);
  return { cpu: Math.floor(cpu * PARTS) / PARTS, memoryMiB: Math.floor(memoryMiB * PARTS) / PARTS };
}

/** Whether so much fits into what a machine has besides what is used of it. */
export function hasRoom(capacity: Resources, used: Resources, need: Resources): boolean {
  return used.cpu + need.cpu <= capacity.cpu && used.memoryMiB + need.memoryMiB <= capacity.memoryMiB;
}

/** Whether one need is at least as large as another in everything: where the other has no room, it has none. */
export function isAtLeast(need: Resources, other: Resources): boolean {
  return need.cpu >= other.cpu && need.memoryMiB >= other.memoryMiB;
}

export function noResources(): Resources {
  return { cpu: 0, memoryMiB: 0 };
}

export function sum(a: Resources, b: Resources): Resources {
  return { cpu: a.cpu + b.cpu, memoryMiB: a.memoryMiB + b.memoryMiB };
}

export function difference(a: Resources, b: Resources): Resources {
  return { cpu: a.cpu - b.cpu, memoryMiB: a.memoryMiB - b.memoryMiB };
}

export function greater(a: Resources, b: Resources): Resources {
  return { cpu: Math.max(a.cpu, b.cpu), memoryMiB: Math.max(a.memoryMiB, b.memoryMiB) };
}

function requestOf(value: number | [request: number, limit: number] | undefined): number | undefined {
  return Array.isArray(value) ? value[0] : value;
}

import type { GpuDevice } from '@gantry/protocol';

/** How far the memory that a GPU reports may be from the one in its name: 80 GB are 79.6 GiB, 16 GB are 15. */
const MEMORY_TOLERANCE = 0.09;
const MIB_PER_GIB = 1024;

/** How many GPUs of each kind; kinds of which there are none are left out. */
export type GpuCounts = Readonly<Record<string, number>>;

/** GPUs of one kind can stand for each other. */
export function kindOf({ type, memoryMiB }: Pick<GpuDevice, 'type' | 'memoryMiB'>): string {
  return `${type}/${memoryMiB}`;
}

export function countKinds(devices: readonly GpuDevice[]): GpuCounts {
  const counts: Record<string, number> = {};
  for (const device of devices) counts[kindOf(device)] = (counts[kindOf(device)] ?? 0) + 1;
  return counts;
}

/**
 * Whether a GPU is what somebody asked for: any, the type itself, one that its name begins with (`A100` fits
 * `A100-80GB`), or a type with an amount of memory.
 */
export function isOfType(device: Pick<GpuDevice, 'type' | 'memoryMiB'>, asked: string): boolean {
  if (asked === 'ANY' || device.type === asked || device.type.startsWith(`${asked}-`)) return true;
  const [, type, gigabytes] = /^(.+)-(\d+)GB$/.exec(asked) ?? [];
  if (type === undefined) return false;
  const isNamed = device.type === type || device.type.startsWith(`${type}-`);
  // A name that says how much memory it has was compared already.
  if (!isNamed || /-\d+GB$/.test(device.type)) return false;
  const wanted = Number(gigabytes);
  return Math.abs(device.memoryMiB / MIB_PER_GIB - wanted) <= wanted * MEMORY_TOLERANCE;
}

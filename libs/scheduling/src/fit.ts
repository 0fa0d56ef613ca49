import { type FunctionOptionsSpec, parseGpuConfig, type WorkerStatus } from '@gantry/protocol';

import { isOfType } from './gpu-types.ts';
import { resourceNeed } from './placement.ts';
import { isWhere, traitsOf, type Whereabouts, zoneOf } from './whereabouts.ts';

export type MachineFacts = Pick<WorkerStatus, 'workerId' | 'capacity' | 'labels' | 'driver'>;

const ANYWHERE = { region: undefined, cloud: undefined, blockNetwork: undefined, privateNetwork: undefined };

/** Why no machine that is there could run a function, were it empty. */
export interface Misfit {
  /** True if it asks for more than any of them has, so that another one must come. */
  isTooLarge: boolean;
  /** Such as `no machine has 4 GPUs of type H100: the most is 2`. */
  reason: string;
}

/** Undefined if one of the machines could run it, were it empty, and while none is known. */
export function misfitOf(
  options: FunctionOptionsSpec,
  machines: readonly MachineFacts[],
): Misfit | undefined {
  if (machines.length === 0) return undefined;
  if (machines.some((machine) => fits(options, machine))) return tooFew(options, machines);
  const anywhere = { ...options, ...ANYWHERE };
  return (
    tooLarge(options, machines) ??
    elsewhere(options, machines) ??
    withoutGpus(options, machines) ?? {
      // Each alone can be had, but not all on one machine.
      isTooLarge: !machines.some((machine) => fits(anywhere, machine)),
      reason: `no machine has ${describe(options)}`,
    }
  );
}

/** What a function asks for, in words. */
export function describe(options: FunctionOptionsSpec): string {
  const { cpu, memoryMiB, diskMiB } = resourceNeed(options);
  const parts = [`cpu ${cpu}`, `memoryMiB ${memoryMiB}`];
  if (diskMiB !== undefined) parts.push(`ephemeralDiskMiB ${diskMiB}`);
  if (options.gpu) parts.push(`gpu ${options.gpu.join(' or ')}`);
  if (options.region) parts.push(`region ${options.region.join(' or ')}`);
  if (options.cloud !== undefined) parts.push(`cloud ${options.cloud}`);
  return parts.join(', ');
}

function fits(options: FunctionOptionsSpec, machine: MachineFacts): boolean {
  const { capacity } = machine;
  const { cpu, memoryMiB, diskMiB = 0 } = resourceNeed(options);
  if (!isWhere(options, traitsOf(machine))) return false;
  if (cpu > capacity.cpu || memoryMiB > capacity.memoryMiB || diskMiB > diskOf(capacity)) return false;
  return !options.gpu || options.gpu.some((wish) => mostOf(wish, capacity) >= parseGpuConfig(wish).count);
}

function tooLarge(options: FunctionOptionsSpec, machines: readonly MachineFacts[]): Misfit | undefined {
  const { cpu, memoryMiB, diskMiB = 0 } = resourceNeed(options);
  const amounts: [name: string, asked: number, has: (capacity: MachineFacts['capacity']) => number][] = [
    ['cpu', cpu, (capacity) => capacity.cpu],
    ['memoryMiB', memoryMiB, (capacity) => capacity.memoryMiB],
    ['ephemeralDiskMiB', diskMiB, diskOf],
  ];
  for (const [name, asked, has] of amounts) {
    const most = Math.max(...machines.map(({ capacity }) => has(capacity)));
    if (asked > most)
      return {
        isTooLarge: true,
        reason: `${name} ${asked} is more than any machine has: the most is ${most}`,
      };
  }
  return undefined;
}

// One container fits, and a clustered function needs several at once.
function tooFew(options: FunctionOptionsSpec, machines: readonly MachineFacts[]): Misfit | undefined {
  if (!options.cluster) return undefined;
  const byZone = new Map<string, number>();
  for (const machine of machines) {
    const zone = zoneOf(machine.workerId, traitsOf(machine));
    byZone.set(zone, (byZone.get(zone) ?? 0) + copiesOn(machine, options));
  }
  const most = Math.max(...byZone.values());
  const { size } = options.cluster;
  if (most >= size) return undefined;
  const what = `${size} containers at once (${describe(options)} each)`;
  const reason = `no machines whose containers reach each other would have room for ${what}: the most is ${most}`;
  return { isTooLarge: false, reason };
}

/** How many containers of a function a machine could have if it were empty. */
function copiesOn(machine: MachineFacts, options: FunctionOptionsSpec): number {
  if (!fits(options, machine)) return 0;
  const { capacity } = machine;
  const { cpu, memoryMiB, diskMiB = 0 } = resourceNeed(options);
  const gpus = (options.gpu ?? []).map((wish) => mostOf(wish, capacity) / parseGpuConfig(wish).count);
  return Math.floor(
    Math.min(
      capacity.cpu / cpu + 1e-9,
      capacity.memoryMiB / memoryMiB + 1e-9,
      diskMiB === 0 ? Number.POSITIVE_INFINITY : diskOf(capacity) / diskMiB,
      gpus.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...gpus),
    ),
  );
}

function elsewhere(options: FunctionOptionsSpec, machines: readonly MachineFacts[]): Misfit | undefined {
  const isThere = (wish: Whereabouts) => machines.some((machine) => isWhere(wish, traitsOf(machine)));
  if (isThere(options)) return undefined;
  const { region, cloud, blockNetwork, privateNetwork } = options;
  if (blockNetwork && !isThere({ blockNetwork })) {
    const reason = 'no worker has isolated containers, which "blockNetwork" needs';
    return { isTooLarge: false, reason };
  }
  if (privateNetwork && !isThere({ privateNetwork })) {
    const reason = 'no worker has containers that reach each other, which "privateNetwork" needs';
    return { isTooLarge: false, reason };
  }
  const names = [region && `region ${region.join(' or ')}`, cloud !== undefined && `cloud ${cloud}`];
  return { isTooLarge: false, reason: `no worker is in ${names.filter(Boolean).join(' of ')}` };
}

function withoutGpus({ gpu }: FunctionOptionsSpec, machines: readonly MachineFacts[]): Misfit | undefined {
  if (!gpu) return undefined;
  const wishes = gpu.map((wish) => ({
    ...parseGpuConfig(wish),
    most: Math.max(...machines.map(({ capacity }) => mostOf(wish, capacity))),
  }));
  if (wishes.some(({ count, most }) => most >= count)) return undefined;
  const known = wishes.filter(({ most }) => most > 0);
  if (known.length === 0) {
    const types = wishes.map(({ type }) => type);
    const ofType = types.includes('ANY') ? '' : ` of type ${types.join(' or ')}`;
    return { isTooLarge: false, reason: `no machine has a GPU${ofType}` };
  }
  const texts = known.map(
    ({ type, count, most }) =>
      `${count} of ${type === 'ANY' ? 'any one type' : `type ${type}`}: the most is ${most}`,
  );
  // One of an unknown type may still come.
  return {
    isTooLarge: known.length === wishes.length,
    reason: `no machine has so many GPUs, ${texts.join('; ')}`,
  };
}

/** How many GPUs of one kind a machine has that fit a wish. */
function mostOf(wish: string, { gpus = [] }: MachineFacts['capacity']): number {
  const { type } = parseGpuConfig(wish);
  const counts = new Map<string, number>();
  for (const device of gpus) {
    if (!isOfType(device, type)) continue;
    const kind = `${device.type}/${device.memoryMiB}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

function diskOf({ diskMiB = Number.POSITIVE_INFINITY }: MachineFacts['capacity']): number {
  return diskMiB;
}

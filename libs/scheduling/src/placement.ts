import { DEFAULTS, type FunctionOptionsSpec } from '@gantry/protocol';

/** Cores and memory. */
export interface Resources {
  cpu: number;
  memoryMiB: number;
}

/** A machine as placement sees it. */
export interface PlacementWorker {
  workerId: string;
  capacity: Resources;
  /** Requested by what it runs already. */
  used: Resources;
  /** How many containers of the function in question it runs. */
  sameFunction: number;
}

// Requests are decimal fractions of a core; their sums must not fail by rounding.
const EPSILON = 1e-9;

/** What one container of a function asks of its machine. */
export function resourceNeed(options: FunctionOptionsSpec): Resources {
  return {
    cpu: requestOf(options.cpu) ?? DEFAULTS.cpu,
    memoryMiB: requestOf(options.memoryMiB) ?? DEFAULTS.memoryMiB,
  };
}

/**
 * Chooses the machine for a new container: of those with room the one with the fewest containers of the same
 * function, then the one that is the least full. Undefined if none has room.
 */
export function placeContainer(workers: readonly PlacementWorker[], need: Resources): string | undefined {
  let best: PlacementWorker | undefined;
  for (const worker of workers) {
    if (hasRoom(worker, need) && (!best || isBetter(worker, best))) best = worker;
  }
  return best?.workerId;
}

function requestOf(value: number | [request: number, limit: number] | undefined): number | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Whether a machine can take what `need` says besides what is used. */
export function hasRoom(
  { capacity, used }: Pick<PlacementWorker, 'capacity' | 'used'>,
  need: Resources,
): boolean {
  return (
    used.cpu + need.cpu <= capacity.cpu + EPSILON &&
    used.memoryMiB + need.memoryMiB <= capacity.memoryMiB + EPSILON
  );
}

function isBetter(a: PlacementWorker, b: PlacementWorker): boolean {
  if (a.sameFunction !== b.sameFunction) return a.sameFunction < b.sameFunction;
  const difference = fullness(a) - fullness(b);
  // The id decides at last, so that the same facts always give the same choice.
  return difference === 0 ? a.workerId < b.workerId : difference < 0;
}

function fullness({ capacity, used }: PlacementWorker): number {
  return Math.max(
    used.cpu / Math.max(capacity.cpu, EPSILON),
    used.memoryMiB / Math.max(capacity.memoryMiB, EPSILON),
  );
}

import type { FunctionRecord } from '@gantry/protocol';

import type { FleetContainer } from './fleet-container.ts';
import type { PoolState } from './pool-state.ts';

/** How many containers a pool should have. */
export interface Wanted {
  desired: number;
  /** Without the buffer: what other pools cannot have. */
  needed: number;
  /** Whether the buffer counts. */
  isActive: boolean;
}

/** What a round found out about a pool before containers are started. */
export interface Review extends Wanted {
  state: PoolState;
  record: FunctionRecord;
  /** Containers of this pool. */
  own: readonly FleetContainer[];
  /** Those that are neither draining nor stopped. */
  serving: readonly FleetContainer[];
}

/** Pools that have work and no container first, and of those the one that waits longest for room. */
export function byUrgency(a: Review, b: Review): number {
  const difference = Number(hasNothing(b)) - Number(hasNothing(a));
  if (difference !== 0 || !hasNothing(a)) return difference;
  return waitsSince(a) - waitsSince(b) || 0;
}

export function hasNothing({ state, serving }: Review): boolean {
  return serving.length === 0 && state.inUse;
}

/** How many of the containers run a version. */
export function countOf(containers: readonly FleetContainer[], version: number): number {
  let count = 0;
  for (const container of containers) if (container.version === version) count++;
  return count;
}

function waitsSince({ state }: Review): number {
  return state.cramped?.sinceMs ?? Number.MAX_SAFE_INTEGER;
}

import type { FunctionRecord } from '@gantry/protocol';

import type { FleetContainer } from './fleet.ts';
import type { PoolState } from './pool-state.ts';
import type { Action } from './scheduler.ts';

/** A pool's part in one round of decisions. */
export interface PoolTurn {
  state: PoolState;
  /** Containers of this pool. */
  own: FleetContainer[];
  actions: Action[];
  nowMs: number;
}

/** How many containers a pool should have. */
export interface Wanted {
  desired: number;
  /** Without the buffer: what other pools cannot have. */
  needed: number;
}

/** What decides which containers of a pool are too many. */
export interface Surplus {
  record: FunctionRecord;
  serving: FleetContainer[];
  desired: number;
}

/** What a round found out about a pool before containers are started. */
export interface Review extends PoolTurn, Surplus, Wanted {}

/** Pools that have work and no container first, and of those the one that waits longest for room. */
export function byUrgency(a: Review, b: Review): number {
  const difference = Number(hasNothing(b)) - Number(hasNothing(a));
  if (difference !== 0 || !hasNothing(a)) return difference;
  return (a.state.cramped?.sinceMs ?? a.nowMs) - (b.state.cramped?.sinceMs ?? b.nowMs);
}

function hasNothing({ state, serving }: Review): boolean {
  return serving.length === 0 && state.inUse;
}

/** How many of the containers run a version. */
export function countOf(containers: readonly FleetContainer[], version: number): number {
  return containers.filter((container) => container.version === version).length;
}

import type { GangSeat } from '@gantry/protocol';

import type { Resources } from './placement.ts';

/** A container as the scheduler counts it: reported by its worker, or asked for a moment ago. */
export interface FleetContainer {
  readonly containerId: string;
  readonly workerId: string;
  readonly pool: string;
  readonly functionId: string;
  readonly version: number;
  state: 'requested' | 'starting' | 'ready' | 'draining';
  running: number;
  maxInputs: number;
  /** It takes no more inputs, and ends after those it has. */
  exhausted?: boolean | undefined;
  /** It was asked to stop, and its worker does not show yet that it heard that: it may still serve. */
  isStopUnheard?: boolean | undefined;
  /** Since when nothing runs in it, by the clock of the scheduler: those of machines differ. */
  idleSinceMs?: number | undefined;
  /** What it takes of its machine. */
  need: Resources;
  /** Which of its machine's GPUs it has, by index. */
  readonly gpus?: readonly number[] | undefined;
  /** Set for those of clustered functions: all of a gang come, serve and go together. */
  readonly gang?: GangSeat | undefined;
}

/** True for a container that takes inputs by itself: the leader of its gang, or one that is in none. */
export function isLeader({ gang }: Pick<FleetContainer, 'gang'>): boolean {
  return gang === undefined || gang.rank === 0;
}

/** True for a container that ends as soon as its exit hooks have run: nothing runs in it. */
export function isLeaving({ state, running }: FleetContainer): boolean {
  return state === 'draining' && running === 0;
}

/** True for a container that could do something, and does not. */
export function isIdle({ state, running, idleSinceMs }: FleetContainer): boolean {
  return state === 'ready' && running === 0 && idleSinceMs !== undefined;
}

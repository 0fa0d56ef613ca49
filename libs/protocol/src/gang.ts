import type { ContainerExit } from './platform-messages.ts';
import type { InputMessage, Outcome } from './payload.ts';

// The containers of a clustered function that run its calls together are a gang. The one of rank 0 leads: it takes
// inputs as any container does, and hands each on to the others, which answer it.

/** What code of a clustered function finds out about the gang that its container is in. */
export interface ClusterInfo {
  /** Of the gang: no other one, also no later one of the function, has it. */
  id: string;
  /** Of this container, from 0. What rank 0 returns is the result of a call. */
  rank: number;
  /** How many containers there are. */
  size: number;
  /** At which they reach each other, in the order of their ranks. */
  addresses: readonly string[];
}

/** Which container of which gang one is. */
export interface GangSeat {
  /** The container of rank 0, whose id is that of the gang, too. */
  leader: string;
  rank: number;
  size: number;
}

/** What a container of a gang is told at its start. */
export interface GangPlace {
  rank: number;
  /** All containers of the gang, in the order of their ranks. */
  containerIds: string[];
}

/** Whose place that is. */
export function gangSeat({ rank, containerIds }: GangPlace): GangSeat {
  return { leader: containerIds[0] ?? '', rank, size: containerIds.length };
}

/**
 * What containers of a gang tell each other, by their workers: requests that are repeated until they are heard.
 *
 * Invariants
 *   G1. The first of each to each other one is `address`.
 *   G2. After `ready` of all, the leader sends `run` for one input at a time, and each other rank answers it by one
 *       `output`, also after `abort`.
 *   G3. Who starts to end by preemption says `preempting`, and who has ended says `ended`: the others end, too.
 */
export type GangMessage =
  | { type: 'address'; address: string }
  | { type: 'ready' }
  | { type: 'run'; input: InputMessage }
  | { type: 'abort'; inputId: string; reason: 'cancelled' | 'timeout' }
  /** Without an outcome where the code was interrupted for the sake of the container. */
  | { type: 'output'; inputId: string; outcome?: Outcome | undefined; finishedAtMs: number }
  /** Its code wants no more inputs. */
  | { type: 'stopFetching' }
  | { type: 'preempting' }
  | { type: 'ended'; reason: ContainerExit['reason']; message: string; error?: Uint8Array | undefined };

/** A {@link GangMessage} on its way. `number` grows with each from one rank to another: one that is repeated is dropped. */
export interface GangLetter {
  from: number;
  number: number;
  message: GangMessage;
}

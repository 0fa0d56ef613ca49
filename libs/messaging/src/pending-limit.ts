import { LIMITS, ResourceExhaustedError } from '@gantry/protocol';

import type { Backlog } from './input-queue.ts';

/** Inputs that may wait per function, over all its pools, by the kind of call that adds to them. */
export const PENDING_LIMITS = { remote: 2_000, map: 2_000, generator: 2_000, spawn: 1_000_000 } as const;

/** How old a look may be. Others may have added or taken inputs since. */
const FRESH_MS = 250;
/** Looks at a function with many pools are rarer, so that they stay a small part of what the broker does. */
const FRESH_MS_PER_POOL = 2;
/** Whoever added so many, and looked some time ago, looks again before the limit is near. */
const ADDED_UNSEEN = 250;
const RETRY_AFTER_MS = 1_000;

/** How much work a function has, in all its pools. */
export interface FunctionBacklog extends Backlog {
  pools: number;
}

interface Count {
  /** Waiting inputs when the queue was last asked. */
  known: number;
  /** Inputs that ran at that time. */
  running: number;
  knownAtMs: number;
  /** How many pools there were. */
  pools: number;
  /** On their way into the queue. */
  underWay: number;
  /** Stored since then; those that left in the meantime are not subtracted, so the sum is too high, never too low. */
  added: number;
  refresh: Promise<void> | undefined;
}

/** Inputs that were admitted. */
export interface Admission {
  /** One of them is in the queue now. */
  stored(): void;
  /** This many will not be. */
  dropped(inputs: number): void;
}

/**
 * Keeps callers from piling up more inputs than a function may hold.
 *
 * Counts upward from the last known backlog, so no submit waits for a look at the queue unless that sum has
 * reached the limit. Exact for all sessions of one process. What other processes add is seen in the next look:
 * while inputs come in, that is begun 0.25 s after the last one (2 ms more per pool of the function), as soon as
 * 250 were added. So n processes together may exceed a limit by what n - 1 of them admit in between: never more
 * than the limit each, and no more than 250 each if they submit slowly.
 */
export class PendingLimit {
  readonly #backlog: (functionId: string) => Promise<FunctionBacklog>;
  readonly #now: () => number;
  readonly #counts = new Map<string, Count>();

  constructor(backlog: (functionId: string) => Promise<FunctionBacklog>, now: () => number = Date.now) {
    this.#backlog = backlog;
    this.#now = now;
  }

  /** Admits inputs at once, or after a look at the queue. Rejects with {@link ResourceExhaustedError}. */
  admit(functionId: string, inputs: number, limit: number): Admission | Promise<Admission> {
    const count = this.#countOf(functionId);
    if (excess(count, inputs, limit)) return this.#admitAfterLook(functionId, inputs, limit);
    // A look that fails is made up for by the next one.
    if (count.added >= ADDED_UNSEEN && !this.#isFresh(count))
      void this.#look(functionId, count).catch(() => undefined);
    return admitted(count, inputs);
  }

  async #admitAfterLook(functionId: string, inputs: number, limit: number): Promise<Admission> {
    const count = this.#countOf(functionId);
    const freshlyFull = this.#isFresh(count) && excess({ ...count, added: 0, underWay: 0 }, inputs, limit);
    if (!freshlyFull) await this.#look(functionId, count);
    const full = excess(count, inputs, limit);
    if (full) {
      throw new ResourceExhaustedError(full, {
        hint: 'Wait a second and send it again, or use `spawn` for work that may wait long.',
        details: { retryAfterMs: RETRY_AFTER_MS, limit },
      });
    }
    return admitted(count, inputs);
  }

  #isFresh({ knownAtMs, pools }: Count): boolean {
    return this.#now() - knownAtMs < FRESH_MS + FRESH_MS_PER_POOL * pools;
  }

  #look(functionId: string, count: Count): Promise<void> {
    count.refresh ??= this.#refresh(functionId, count).finally(() => {
      count.refresh = undefined;
    });
    return count.refresh;
  }

  async #refresh(functionId: string, count: Count): Promise<void> {
    const addedBefore = count.added;
    const { waiting, delivered, pools } = await this.#backlog(functionId);
    count.known = waiting;
    count.running = delivered;
    count.pools = pools;
    count.added -= addedBefore;
    count.knownAtMs = this.#now();
  }

  #countOf(functionId: string): Count {
    let count = this.#counts.get(functionId);
    if (!count) {
      const knownAtMs = Number.NEGATIVE_INFINITY;
      count = { known: 0, running: 0, knownAtMs, pools: 1, underWay: 0, added: 0, refresh: undefined };
      this.#counts.set(functionId, count);
    }
    return count;
  }
}

function admitted(count: Count, inputs: number): Admission {
  count.underWay += inputs;
  return {
    stored() {
      count.underWay--;
      count.added++;
    },
    dropped(dropped) {
      count.underWay -= dropped;
    },
  };
}

/** What there is too much of, for people; undefined if the inputs fit. */
function excess(
  { known, added, underWay, running }: Count,
  inputs: number,
  limit: number,
): string | undefined {
  const waiting = known + added + underWay;
  if (waiting + inputs > limit) return `${waiting} inputs of the function wait already, ${limit} may`;
  // Whoever may let more wait than that is not held back by what runs.
  const open = waiting + running;
  if (limit > LIMITS.openInputs || open + inputs <= LIMITS.openInputs) return undefined;
  return `${open} inputs of the function wait or run already, ${LIMITS.openInputs} may`;
}

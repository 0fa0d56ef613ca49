import { LIMITS, ResourceExhaustedError } from '@gantry/protocol';

import type { Backlog } from './input-queue.ts';

/** Inputs that may wait per pool, by the kind of call that adds to them. */
export const PENDING_LIMITS = { remote: 2_000, map: 2_000, generator: 2_000, spawn: 1_000_000 } as const;

const FRESH_MS = 250;
const RETRY_AFTER_MS = 1_000;

interface Count {
  /** Waiting inputs when the queue was last asked. */
  known: number;
  /** Inputs that ran at that time. */
  running: number;
  knownAtMs: number;
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
 * Keeps callers from piling up more inputs than a pool may hold.
 *
 * Counts upward from the last known backlog, and asks the queue only when that sum reaches the limit, so a
 * pool that keeps up costs no request. Approximate by what other processes add meanwhile.
 */
export class PendingLimit {
  readonly #backlog: (pool: string) => Promise<Backlog>;
  readonly #now: () => number;
  readonly #counts = new Map<string, Count>();

  constructor(backlog: (pool: string) => Promise<Backlog>, now: () => number = Date.now) {
    this.#backlog = backlog;
    this.#now = now;
  }

  /** Admits inputs at once, or after a look at the queue. Rejects with {@link ResourceExhaustedError}. */
  admit(pool: string, inputs: number, limit: number): Admission | Promise<Admission> {
    const count = this.#countOf(pool);
    return excess(count, inputs, limit) ? this.#admitAfterLook(pool, inputs, limit) : admitted(count, inputs);
  }

  async #admitAfterLook(pool: string, inputs: number, limit: number): Promise<Admission> {
    const count = this.#countOf(pool);
    const freshlyFull =
      this.#now() - count.knownAtMs < FRESH_MS && excess({ ...count, added: 0, underWay: 0 }, inputs, limit);
    if (!freshlyFull) {
      count.refresh ??= this.#look(pool, count);
      await count.refresh;
    }
    const full = excess(count, inputs, limit);
    if (full) {
      throw new ResourceExhaustedError(full, {
        hint: 'Wait a second and send it again, or use `spawn` for work that may wait long.',
        details: { retryAfterMs: RETRY_AFTER_MS, limit },
      });
    }
    return admitted(count, inputs);
  }

  async #look(pool: string, count: Count): Promise<void> {
    const addedBefore = count.added;
    try {
      const { waiting, delivered } = await this.#backlog(pool);
      count.known = waiting;
      count.running = delivered;
      count.added -= addedBefore;
      count.knownAtMs = this.#now();
    } finally {
      count.refresh = undefined;
    }
  }

  #countOf(pool: string): Count {
    let count = this.#counts.get(pool);
    if (!count) {
      const knownAtMs = Number.NEGATIVE_INFINITY;
      count = { known: 0, running: 0, knownAtMs, underWay: 0, added: 0, refresh: undefined };
      this.#counts.set(pool, count);
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
  if (waiting + inputs > limit) return `${waiting} inputs wait already, ${limit} may`;
  // Whoever may let more wait than that is not held back by what runs.
  const open = waiting + running;
  if (limit > LIMITS.openInputs || open + inputs <= LIMITS.openInputs) return undefined;
  return `${open} inputs wait or run already, ${LIMITS.openInputs} may`;
}

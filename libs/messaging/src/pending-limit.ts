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
/** Looks for one caller, before inputs that others never stop adding count against it. */
const MOST_LOOKS = 5;

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
  /** Told when nothing is under way any more. */
  untilStored: (() => void)[];
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
    let full = this.#isFresh(count) ? excess(certain(count), inputs, limit) : undefined;
    for (let left = MOST_LOOKS; !full; left--) {
      await this.#look(functionId, count);
      const doubted = excess(count, inputs, limit);
      if (!doubted) return admitted(count, inputs);
      full = left > 1 ? excess(certain(count), inputs, limit) : doubted;
      if (!full) await allStored(count);
    }
    throw new ResourceExhaustedError(full, {
      hint: 'Wait a second and send it again, or use `spawn` for work that may wait long.',
      details: { retryAfterMs: RETRY_AFTER_MS, limit },
    });
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
      const nothing = { known: 0, running: 0, pools: 1, underWay: 0, added: 0 };
      count = { ...nothing, knownAtMs, refresh: undefined, untilStored: [] };
      this.#counts.set(functionId, count);
    }
    return count;
  }
}

function admitted(count: Count, inputs: number): Admission {
  count.underWay += inputs;
  const arrived = (some: number): void => {
    count.underWay -= some;
    if (count.underWay > 0) return;
    for (const goOn of count.untilStored.splice(0)) goOn();
  };
  return {
    stored() {
      count.added++;
      arrived(1);
    },
    dropped: arrived,
  };
}

/**
 * What surely waits. A look sees inputs that are in the queue before their sender knows it: those are in `known`,
 * and in `underWay` or `added` as well. So one of the two is certain, not their sum.
 */
function certain(count: Count): Count {
  const known = Math.max(count.known, count.underWay);
  return { ...count, known, added: 0, underWay: 0 };
}

/** Resolves when nothing is under way into the queue, or others added to it for so long that it is time to look. */
async function allStored(count: Count): Promise<void> {
  if (count.underWay <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FRESH_MS);
    count.untilStored.push(resolve);
  });
  clearTimeout(timer);
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

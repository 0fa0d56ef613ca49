import { COLLECTION, type BlockInventory } from './block-inventory.ts';

export interface BlockPresenceParts {
  inventory: Pick<BlockInventory, 'storedAtMs' | 'refresh'>;
  nowMs: () => number;
  /** Waits. */
  pause: (ms: number) => Promise<void>;
}

const ASKED_AT_ONCE = 32;
/** As many as a terabyte has. */
const REMEMBERED = 250_000;

/**
 * Which blocks are in the store, and will be when something leads to them.
 *
 * Invariants
 *   P1. A block that is said to be there is young: it is not removed before another half of the grace time has passed.
 *   P2. One that was old, and could be removed at that very moment, is looked at again before a commit relies on it.
 */
export class BlockPresence {
  readonly #parts: BlockPresenceParts;
  /** Until when a block is young, and when it was made so if it had been old. */
  readonly #young = new Map<string, { untilMs: number; refreshedAtMs?: number }>();

  constructor(parts: BlockPresenceParts) {
    this.#parts = parts;
  }

  /** Says that a block was stored just now. */
  stored(digest: string): void {
    this.#note(digest, { untilMs: this.#parts.nowMs() + COLLECTION.youngMs });
  }

  /** Those of some blocks that have to be stored. */
  async missing(digests: readonly string[]): Promise<string[]> {
    const asked = [...new Set(digests)].filter((digest) => !this.#youngOf(digest));
    const missing: string[] = [];
    await inPortions(asked, async (digest) => {
      if (!(await this.#look(digest))) missing.push(digest);
    });
    return missing;
  }

  /** As {@link missing}, for a commit: all others are there for the next hours. May take some seconds. */
  async missingForCommit(digests: readonly string[]): Promise<string[]> {
    const missing = await this.missing(digests);
    const refreshed = [...new Set(digests)].filter(
      (digest) => this.#youngOf(digest)?.refreshedAtMs !== undefined,
    );
    if (refreshed.length === 0) return missing;
    const lastMs = Math.max(...refreshed.map((digest) => this.#youngOf(digest)?.refreshedAtMs ?? 0));
    const restMs = lastMs + COLLECTION.settledMs - this.#parts.nowMs();
    if (restMs > 0) await this.#parts.pause(restMs);
    for (const digest of refreshed) this.#young.delete(digest);
    return [...missing, ...(await this.missing(refreshed))];
  }

  async #look(digest: string): Promise<boolean> {
    const { inventory, nowMs } = this.#parts;
    const storedAtMs = await inventory.storedAtMs(digest);
    if (storedAtMs === undefined) return false;
    const untilMs = storedAtMs + COLLECTION.youngMs;
    if (nowMs() < untilMs) {
      this.#note(digest, { untilMs });
      return true;
    }
    const refreshedAtMs = nowMs();
    if (!(await inventory.refresh(digest))) return false;
    this.#note(digest, { untilMs: refreshedAtMs + COLLECTION.youngMs, refreshedAtMs });
    return true;
  }

  #youngOf(digest: string): { untilMs: number; refreshedAtMs?: number } | undefined {
    const young = this.#young.get(digest);
    return young && this.#parts.nowMs() < young.untilMs ? young : undefined;
  }

  #note(digest: string, young: { untilMs: number; refreshedAtMs?: number }): void {
    this.#young.delete(digest);
    this.#young.set(digest, young);
    const [oldest] = this.#young.keys();
    if (this.#young.size > REMEMBERED && oldest !== undefined) this.#young.delete(oldest);
  }
}

async function inPortions(all: readonly string[], each: (digest: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += ASKED_AT_ONCE)
    await Promise.all(all.slice(at, at + ASKED_AT_ONCE).map(each));
}

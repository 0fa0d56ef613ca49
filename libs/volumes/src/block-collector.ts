import { decodeFrame, encodeFrame } from '@gantry/protocol';

import { COLLECTION, type BlockInventory } from './block-inventory.ts';
import type { PageStore } from './tree-pages.ts';
import { VolumeTree } from './volume-tree.ts';

/** Since when nothing leads to which blocks, from one collection to the next. */
export interface CollectionNotes {
  /** Without bytes before the first collection. */
  read(): Promise<{ bytes?: Uint8Array | undefined; revision: number }>;
  /** False if another collection has written meanwhile. */
  write(bytes: Uint8Array, revision: number): Promise<boolean>;
}

export interface BlockCollectorParts {
  /** Roots of all versions that somebody may read: of heads, and of what is mounted. */
  roots: () => Promise<readonly string[]>;
  pages: Pick<PageStore, 'read'>;
  inventory: BlockInventory;
  notes: CollectionNotes;
  nowMs: () => number;
}

/**
 * Removes blocks and pages that no version leads to.
 *
 * Invariants
 *   C1. Only what nothing led to in each collection of the last 24 hours is removed: who saw a version before it was
 *       replaced can say so that it is in use.
 *   C2. Only what nobody stored or refreshed in the last 24 hours is removed: whoever makes something lead to a block
 *       has stored it, or found it young ({@link BlockPresence}), less than 12 hours before.
 *   C3. A collection may end anywhere, and two may run at a time.
 */
export class BlockCollector {
  readonly #parts: BlockCollectorParts;

  constructor(parts: BlockCollectorParts) {
    this.#parts = parts;
  }

  /**
   * Resolves to how many blocks were removed.
   *
   * @throws NotFoundError, or what kept the store from being read: nothing is removed then.
   */
  async collect(signal?: AbortSignal): Promise<number> {
    const { inventory, notes, nowMs } = this.#parts;
    const startedAtMs = nowMs();
    const before = await notes.read();
    const since = before.bytes
      ? new Map(decodeFrame<[string, number][]>(before.bytes))
      : new Map<string, number>();
    // What begins to be led to from here on is young.
    const needed = await this.#needed();
    const unneeded: [string, number][] = [];
    for await (const { digest, storedAtMs } of inventory.list()) {
      if (needed.has(digest) || startedAtMs - storedAtMs < COLLECTION.graceMs) continue;
      unneeded.push([digest, since.get(digest) ?? startedAtMs]);
    }
    if (signal?.aborted || !(await notes.write(encodeFrame(unneeded), before.revision))) return 0;
    let removed = 0;
    for (const [digest, sinceMs] of unneeded) {
      if (signal?.aborted) return removed;
      if (startedAtMs - sinceMs >= COLLECTION.graceMs && (await this.#remove(digest))) removed++;
    }
    return removed;
  }

  async #needed(): Promise<Set<string>> {
    const { pages, roots } = this.#parts;
    const needed = new Set<string>();
    const store = { read: pages.read.bind(pages), write: () => Promise.reject(new TypeError('only read')) };
    for (const root of await roots()) {
      if (needed.has(root)) continue;
      const tree = await VolumeTree.open(store, root);
      for await (const digest of tree.references(needed)) needed.add(digest);
      needed.add(root);
    }
    return needed;
  }

  /** Unless somebody has stored it since it was listed. */
  async #remove(digest: string): Promise<boolean> {
    const { inventory, nowMs } = this.#parts;
    const lookedAtMs = nowMs();
    const storedAtMs = await inventory.storedAtMs(digest);
    const isOld = storedAtMs !== undefined && lookedAtMs - storedAtMs >= COLLECTION.graceMs;
    if (!isOld || nowMs() - lookedAtMs > COLLECTION.removalMs) return false;
    await inventory.delete(digest);
    return true;
  }
}

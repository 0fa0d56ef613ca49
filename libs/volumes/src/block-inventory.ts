/** A block or page as it lies in its store. */
export interface StoredBlock {
  digest: string;
  /** When it was stored, or refreshed, last. */
  storedAtMs: number;
}

/** What the store of blocks and pages knows of them. */
export interface BlockInventory {
  list(): AsyncIterable<StoredBlock>;
  /** Undefined if there is no such block. */
  storedAtMs(digest: string): Promise<number | undefined>;
  /** Makes a block as if it were stored now. False if there is none. */
  refresh(digest: string): Promise<boolean>;
  delete(digest: string): Promise<void>;
}

/** When blocks may be removed, and how long whoever relies on them may take. */
export const COLLECTION = {
  /** For so long nothing may have led to a block, and nobody stored it, before it is removed. */
  graceMs: 24 * 3600 * 1000,
  /** Whoever finds a block that is older has to refresh it before something new leads to it. */
  youngMs: 12 * 3600 * 1000,
  /** A removal happens so soon after a last look at the block, or not at all. */
  removalMs: 2_000,
  /** After a refresh, a removal that was decided before it has happened by then. */
  settledMs: 10_000,
} as const;

import {
  GantryTimeoutError,
  NotFoundError,
  ResourceExhaustedError,
  VOLUME_LIMITS,
  type VolumeChange,
  type VolumeHead,
} from '@gantry/protocol';

import type { PageStore } from './tree-pages.ts';
import { VolumeTree } from './volume-tree.ts';

/** Where the heads of volumes are: one entry each, moved by compare-and-set. */
export interface HeadStore {
  read(volumeId: string): Promise<{ head: VolumeHead; revision: number } | undefined>;
  /** False if the head was moved since `revision`. */
  move(volumeId: string, head: VolumeHead, revision: number): Promise<boolean>;
}

export interface VolumeStoreParts {
  heads: HeadStore;
  pages: PageStore;
  nowMs: () => number;
  /** Waits. */
  pause: (ms: number) => Promise<void>;
  /** From 0 to 1. */
  random: () => number;
}

/** What to change, decided on the state that it will change: called anew when another commit came first. */
export type CommitPlan = (tree: VolumeTree) => Promise<readonly VolumeChange[]> | readonly VolumeChange[];

/** Of volumes whose trees are kept in memory, for the next one who asks. */
const KEPT_TREES = 32;
const COMMIT_TIMEOUT_MS = 30_000;
const LONGEST_PAUSE_MS = 250;
const LONGEST_COMMIT_MS = 3600 * 1000;

/**
 * The volumes of a platform: their states, and how they change.
 *
 * Invariants
 *   V1. A head leads to a whole tree: pages and index are stored before it moves.
 *   V2. Commits happen one after the other, each on top of the one before: where they are about different paths, all
 *       of them hold; where about the same, the last one.
 */
export class VolumeStore {
  readonly #parts: VolumeStoreParts;
  /** By volume, the state that was seen last. */
  readonly #trees = new Map<string, { root: string | undefined; tree: VolumeTree }>();

  constructor(parts: VolumeStoreParts) {
    this.#parts = parts;
  }

  /**
   * The present state.
   *
   * @throws NotFoundError if there is no such volume.
   */
  async open(volumeId: string): Promise<{ head: VolumeHead; tree: VolumeTree }> {
    const { head, tree } = await this.#open(volumeId);
    return { head, tree };
  }

  /**
   * Changes a volume; resolves to its new head when that is durable. A plan without effect makes no new version.
   *
   * @throws ResourceExhaustedError with `details.errno` `ENOSPC` above 500,000 entries; GantryTimeoutError if others
   * come first for 30 s; whatever the plan throws.
   */
  async commit(volumeId: string, plan: CommitPlan): Promise<VolumeHead> {
    const { heads, nowMs, pause, random } = this.#parts;
    const startedAtMs = nowMs();
    for (let attempt = 0; nowMs() - startedAtMs < COMMIT_TIMEOUT_MS; attempt++) {
      const { head, revision, tree } = await this.#open(volumeId);
      const next = await tree.apply(await plan(tree));
      assertRoom(next.entries);
      const root = next.entries === 0 ? undefined : await next.save();
      if (root === head.root) return head;
      const { entries, sizeBytes } = next;
      const moved: VolumeHead = {
        version: head.version + 1,
        root,
        entries,
        sizeBytes,
        committedAtMs: nowMs(),
      };
      // What the plan found in the store may be gone by now.
      if (nowMs() - startedAtMs > LONGEST_COMMIT_MS) break;
      if (await heads.move(volumeId, moved, revision)) {
        this.#keep(volumeId, root, next);
        return moved;
      }
      await pause(random() * Math.min(LONGEST_PAUSE_MS, 2 ** attempt));
    }
    throw new GantryTimeoutError(`a commit to volume "${volumeId}" was overtaken by others for 30 s`, {
      hint: 'Commit less often, or from fewer places: a few commits a second are fine.',
    });
  }

  /**
   * After this, no commit succeeds that was decided before: a holder of the volume that was cut off meanwhile has to ask
   * anew, and is told. Changes nothing else.
   */
  async fence(volumeId: string): Promise<void> {
    for (;;) {
      const { head, revision } = await this.#open(volumeId);
      if (await this.#parts.heads.move(volumeId, head, revision)) return;
    }
  }

  async #open(volumeId: string): Promise<{ head: VolumeHead; revision: number; tree: VolumeTree }> {
    const found = await this.#parts.heads.read(volumeId);
    if (!found) throw new NotFoundError(`volume "${volumeId}" does not exist`);
    const { root } = found.head;
    const known = this.#trees.get(volumeId);
    const tree =
      known && known.root === root ? known.tree : await VolumeTree.open(this.#parts.pages, root, known?.tree);
    this.#keep(volumeId, root, tree);
    return { ...found, tree };
  }

  #keep(volumeId: string, root: string | undefined, tree: VolumeTree): void {
    this.#trees.delete(volumeId);
    this.#trees.set(volumeId, { root, tree });
    const [oldest] = this.#trees.keys();
    if (this.#trees.size > KEPT_TREES && oldest !== undefined) this.#trees.delete(oldest);
  }
}

function assertRoom(entries: number): void {
  if (entries <= VOLUME_LIMITS.entries) return;
  throw new ResourceExhaustedError(`the volume would have ${entries} files, directories and links`, {
    hint: `A volume holds ${VOLUME_LIMITS.entries}. Remove some, or pack many small files into archives.`,
    details: { errno: 'ENOSPC' },
  });
}

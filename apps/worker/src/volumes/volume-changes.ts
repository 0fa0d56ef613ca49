import type { BigIntStats } from 'node:fs';

import type { BlobStore } from '@gantry/blobs';
import {
  assertLinkTarget,
  isGantryError,
  type GantryError,
  type VolumeChange,
  type VolumeEntry,
  volumePath,
} from '@gantry/protocol';

import { isSame, storeFile } from './stored-file.ts';
import type { FoundEntry, KnownFile, VolumeView } from './volume-view.ts';

/** What a copy of a volume has that the volume has not, as far as it could be found. */
export interface CollectedChanges {
  /** By their paths in the copy. */
  changes: VolumeChange[];
  /** Why something is not among them that no volume takes. */
  refused: GantryError[];
  /** Files that were written all the time. */
  unsettled: string[];
  /** The changes are in the volume now. */
  keep(): void;
}

/** What a walk has found so far. */
interface Looked extends Pick<CollectedChanges, 'refused' | 'unsettled'> {
  seen: Map<string, BigIntStats | undefined>;
  removed: VolumeChange[];
  written: VolumeChange[];
}

/** Finds what changed in a copy since it was known to be in the volume. Reads what changed, and looks at the rest. */
export class VolumeChanges {
  readonly #blobs: Pick<BlobStore, 'putBytes'>;
  /** Absolute paths of the copy, as the container knows it: links to there mean the volume itself. */
  readonly #places: readonly string[];
  /** By path; undefined for what is known to be removed. */
  #known = new Map<string, BigIntStats | undefined>();

  constructor(blobs: Pick<BlobStore, 'putBytes'>, places: readonly string[]) {
    this.#blobs = blobs;
    this.#places = places.filter((place) => place.startsWith('/'));
  }

  /** The copy shows a version, of which these files are a part. */
  startFrom(files: readonly KnownFile[]): void {
    this.#known = new Map(files.map(({ path, stats }) => [path, stats]));
  }

  async collect(view: VolumeView): Promise<CollectedChanges> {
    const looked: Looked = { seen: new Map(), removed: [], written: [], refused: [], unsettled: [] };
    for await (const found of view.scan()) await this.#look(found, looked);
    const { seen, removed, written, refused, unsettled } = looked;
    for (const [path, stats] of this.#known) if (stats && !seen.has(path)) removed.push({ path });
    return { changes: [...removed, ...written], refused, unsettled, keep: () => (this.#known = seen) };
  }

  async #look(found: FoundEntry, { seen, removed, written, refused, unsettled }: Looked): Promise<void> {
    const { path, stats } = found;
    const known = this.#known.get(path);
    if (!stats) {
      if (known || !this.#known.has(path)) removed.push({ path });
      seen.set(path, undefined);
      return;
    }
    // What cannot be taken now leaves in the volume what it has.
    if (known) seen.set(path, known);
    if (known && isSame(known, stats)) return;
    try {
      volumePath(path);
      const entry = await this.#entry(found, stats);
      if (entry === 'unsettled') unsettled.push(path);
      else if (entry) {
        written.push({ path, entry: entry.entry });
        seen.set(path, entry.stats);
      } else seen.delete(path);
    } catch (error) {
      if (!isGantryError(error) || error.code !== 'INVALID_ARGUMENT') throw error;
      refused.push(error);
    }
  }

  /** Undefined for what volumes have not, such as sockets, and for what is gone. */
  async #entry(
    { path, folder, name }: FoundEntry,
    stats: BigIntStats,
  ): Promise<{ entry: VolumeEntry; stats: BigIntStats } | 'unsettled' | undefined> {
    const [mode, mtimeMs] = [Number(stats.mode) & 0o7777, msOf(stats)];
    if (stats.isDirectory()) return { entry: { type: 'directory', mode, mtimeMs }, stats };
    if (stats.isSymbolicLink()) {
      const target = await folder.link(name);
      if (target === undefined) return undefined;
      const own = this.#withinVolume(path, target);
      assertLinkTarget(path, own);
      return { entry: { type: 'link', mtimeMs, target: own }, stats };
    }
    const file = stats.isFile() ? await folder.file(name) : undefined;
    if (!file) return undefined;
    try {
      const stored = await storeFile(file, this.#blobs);
      if (!stored) return 'unsettled';
      const { sizeBytes, blocks } = stored;
      const entry: VolumeEntry = { type: 'file', mode, mtimeMs: msOf(stored.stats), sizeBytes, blocks };
      return { entry, stats: stored.stats };
    } finally {
      await file.close();
    }
  }

  /** Links of a volume are relative: they mean the same wherever it is. */
  #withinVolume(path: string, target: string): string {
    const place = this.#places.find((each) => target === each || target.startsWith(`${each}/`));
    if (place === undefined) return target;
    const up = '../'.repeat(path.split('/').length - 1);
    return `${up}${target.slice(place.length + 1)}` || '.';
  }
}

function msOf({ mtimeNs }: BigIntStats): number {
  return Number(mtimeNs / 1_000n) / 1_000;
}

import type { BigIntStats } from 'node:fs';

import {
  assertLinkTarget,
  isGantryError,
  type GantryError,
  type VolumeChange,
  type VolumeEntry,
  volumePath,
} from '@gantry/protocol';

import { type FileBlobs, isSame, storeFile } from './stored-file.ts';
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
  /** In the order of the walk, with places for files whose content is on its way to the store. */
  written: (VolumeChange | undefined)[];
  storing: Set<Promise<void>>;
}

/** Each with its blocks: a store waits for several as long as for one, and has only some of them in memory. */
const FILES_AT_ONCE = 8;

/** Finds what changed in a copy since it was known to be in the volume. Reads what changed, and looks at the rest. */
export class VolumeChanges {
  readonly #blobs: FileBlobs;
  /** Absolute paths of the copy, as the container knows it: links to there mean the volume itself. */
  readonly #places: readonly string[];
  /** By path; undefined for what is known to be removed. */
  #known = new Map<string, BigIntStats | undefined>();

  constructor(blobs: FileBlobs, places: readonly string[]) {
    this.#blobs = blobs;
    this.#places = places.filter((place) => place.startsWith('/'));
  }

  /** The copy shows a version, of which these files are a part. */
  startFrom(files: readonly KnownFile[]): void {
    this.#known = new Map(files.map(({ path, stats }) => [path, stats]));
  }

  async collect(view: VolumeView): Promise<CollectedChanges> {
    const lists = { removed: [], written: [], refused: [], unsettled: [] };
    const looked: Looked = { seen: new Map(), storing: new Set(), ...lists };
    const { seen, removed, written, refused, unsettled, storing } = looked;
    try {
      for await (const found of view.scan()) await this.#look(found, looked);
    } finally {
      await Promise.allSettled(storing);
    }
    await Promise.all(storing);
    for (const [path, stats] of this.#known) if (stats && !seen.has(path)) removed.push({ path });
    const changes = [...removed, ...written.filter((change) => change !== undefined)];
    return { changes, refused, unsettled, keep: () => (this.#known = seen) };
  }

  async #look(found: FoundEntry, looked: Looked): Promise<void> {
    const { seen, removed, written, refused } = looked;
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
      if (stats.isFile()) return await this.#store(found, looked);
      const entry = await this.#entry(found, stats);
      if (entry) written.push({ path, entry });
      if (entry) seen.set(path, stats);
      else seen.delete(path);
    } catch (error) {
      if (!isGantryError(error) || error.code !== 'INVALID_ARGUMENT') throw error;
      refused.push(error);
    }
  }

  /** Undefined for what volumes have not, such as sockets, and for what is gone. */
  async #entry({ path, folder, name }: FoundEntry, stats: BigIntStats): Promise<VolumeEntry | undefined> {
    const mtimeMs = msOf(stats);
    if (stats.isDirectory()) return { type: 'directory', mode: modeOf(stats), mtimeMs };
    const target = stats.isSymbolicLink() ? await folder.link(name) : undefined;
    if (target === undefined) return undefined;
    const own = this.#withinVolume(path, target);
    assertLinkTarget(path, own);
    return { type: 'link', mtimeMs, target: own };
  }

  /** Opens a file, as the walk goes on from its folder, and stores what is in it beside others. */
  async #store({ path, folder, name }: FoundEntry, looked: Looked): Promise<void> {
    const { seen, written, unsettled, storing } = looked;
    // One that failed stays, and ends the walk.
    while (storing.size >= FILES_AT_ONCE) await Promise.race(storing);
    const file = await folder.file(name);
    if (!file) return void seen.delete(path);
    const place = written.push(undefined) - 1;
    const storingIt = (async () => {
      try {
        const stored = await storeFile(file, this.#blobs);
        if (!stored) return void unsettled.push(path);
        const { sizeBytes, blocks, stats } = stored;
        const [mode, mtimeMs] = [modeOf(stats), msOf(stats)];
        written[place] = { path, entry: { type: 'file', mode, mtimeMs, sizeBytes, blocks } };
        seen.set(path, stats);
      } finally {
        await file.close();
      }
    })();
    storing.add(storingIt);
    void storingIt.then(
      () => storing.delete(storingIt),
      () => undefined,
    );
  }

  /** Links of a volume are relative: they mean the same wherever it is. */
  #withinVolume(path: string, target: string): string {
    const place = this.#places.find((each) => target === each || target.startsWith(`${each}/`));
    if (place === undefined) return target;
    const up = '../'.repeat(path.split('/').length - 1);
    return `${up}${target.slice(place.length + 1)}` || '.';
  }
}

function modeOf({ mode }: BigIntStats): number {
  return Number(mode) & 0o7777;
}

function msOf({ mtimeNs }: BigIntStats): number {
  return Number(mtimeNs / 1_000n) / 1_000;
}

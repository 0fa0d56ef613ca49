import {
  type FoundEntry,
  inside,
  joined,
  type OpenFolder,
  type VolumeVersion,
  walkAll,
} from '@gantry/mounts';

/** A directory that changes are in: its part of the upper folder, and what containers see of it. */
interface ChangedFolder {
  path: string;
  upper: OpenFolder;
  merged: OpenFolder;
}

/**
 * What an overlay's upper folder says has changed of a version.
 *
 * Node reads no extended attributes, in which overlayfs notes that a directory hides the one below it, or has the content
 * of another one. Both can be seen: such a directory lacks what the version has there, so all of it is walked.
 */
export class OverlayWalk {
  readonly #version: VolumeVersion;

  constructor(version: VolumeVersion) {
    this.#version = version;
  }

  async *changes(folder: ChangedFolder): AsyncGenerator<FoundEntry> {
    const { path, upper, merged } = folder;
    for (const name of await upper.names()) {
      const stats = await upper.stat(name);
      if (!stats) continue;
      const below = path === '' ? name : `${path}/${name}`;
      const found = { path: below, stats, folder: upper, name };
      if (stats.isCharacterDevice()) {
        if (stats.rdev === 0n) yield* this.#removed(found, new Set());
        continue;
      }
      yield found;
      if (!stats.isDirectory()) continue;
      await using innerUpper = await upper.folder(name);
      await using innerMerged = await merged.folder(name);
      if (!innerUpper || !innerMerged) continue;
      const inner = { path: below, upper: innerUpper, merged: innerMerged };
      if (await this.#isOverVersion(inner)) yield* this.changes(inner);
      else yield* this.#replaced(inner);
    }
  }

  /** Whether what is in the version's directory shows through. */
  async #isOverVersion({ path, upper, merged }: ChangedFolder): Promise<boolean> {
    const { tree, subPath } = this.#version;
    const base = await tree.entry(joined(subPath, path));
    if (base?.type !== 'directory') return false;
    const own = new Set(await upper.names());
    for await (const { path: full } of tree.list(joined(subPath, path))) {
      const name = full.slice(full.lastIndexOf('/') + 1);
      if (!own.has(name)) return (await merged.stat(name)) !== undefined;
    }
    // It has nothing that could show through: anything else there comes from another directory.
    return (await merged.names()).every((name) => own.has(name));
  }

  async *#replaced({ path, merged }: ChangedFolder): AsyncGenerator<FoundEntry> {
    const there = new Set([path]);
    for await (const found of walkAll(merged, path)) {
      there.add(found.path);
      yield found;
    }
    yield* this.#removed({ path, stats: undefined, folder: merged, name: '' }, there);
  }

  /** What the version has at a path, and below, but for what is there still. */
  async *#removed(at: FoundEntry, there: ReadonlySet<string>): AsyncGenerator<FoundEntry> {
    const { tree, subPath } = this.#version;
    const isGone = (path: string): boolean => !there.has(path);
    if (isGone(at.path)) yield { ...at, stats: undefined };
    for await (const { path: full } of tree.walk(joined(subPath, at.path))) {
      const path = inside(subPath, { path: full });
      if (isGone(path)) yield { ...at, path, stats: undefined };
    }
  }
}

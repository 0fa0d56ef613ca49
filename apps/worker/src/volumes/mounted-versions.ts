import { join } from 'node:path';

import type { VersionMounts, VolumeVersion } from '@gantry/mounts';
import { isGantryError } from '@gantry/protocol';

import type { ShownVersion, VersionSource } from './version-source.ts';

/** Versions as file systems of their own, whose files are fetched when they are read. */
export class MountedVersions implements VersionSource {
  readonly #mounts: VersionMounts;
  readonly #ownerId: number;
  readonly #otherwise: VersionSource;

  /** @param otherwise For what cannot be mounted. */
  constructor(mounts: VersionMounts, ownerId: number, otherwise: VersionSource) {
    this.#mounts = mounts;
    this.#ownerId = ownerId;
    this.#otherwise = otherwise;
  }

  async show(version: VolumeVersion): Promise<ShownVersion> {
    const { root, tree, subPath } = version;
    if (subPath !== '' && !(await tree.entry(subPath))) return this.#otherwise.show(version);
    try {
      const { path, lost, unmount } = await this.#mounts.mount({ root, ownerId: this.#ownerId });
      return { folder: join(path, subPath), lost, release: () => unmount() };
    } catch (error) {
      // Too many mounts, or none at all: what the other way costs is better than no container.
      const isPossible = isGantryError(error) && ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'].includes(error.code);
      if (!isPossible) throw error;
      return this.#otherwise.show(version);
    }
  }
}

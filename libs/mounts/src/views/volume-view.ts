import type { BigIntStats } from 'node:fs';

import type { VolumeTree } from '@gantry/volumes';

import type { OpenFolder } from './open-folder.ts';

/** A version of a volume, or of a directory in it. */
export interface VolumeVersion {
  volumeId: string;
  /** Digest of the tree's index; undefined for an empty volume. */
  root: string | undefined;
  tree: VolumeTree;
  /** The directory that is shown; `''` for all. */
  subPath: string;
}

/** Something in the copy that a container has of a volume, while it is walked. */
export interface FoundEntry {
  /** In the copy. */
  path: string;
  /** Undefined for what the version has, and the copy has not. */
  stats: BigIntStats | undefined;
  /** Where its content can be read now. */
  folder: OpenFolder;
  /** Its name there. */
  name: string;
}

/** A file as it was seen: unchanged as long as this is the same. */
export interface KnownFile {
  path: string;
  stats: BigIntStats;
}

/** The copy of a volume that one container reads and writes. */
export interface VolumeView {
  /** The copy: a folder of this machine, which stays the same. Nothing is in it before a version is shown. */
  readonly folder: string;
  /**
   * Shows a version instead of what is there. Resolves to what {@link scan} will find of it.
   *
   * @throws GantryError `CONFLICT` while something in it is in use: then nothing has changed.
   */
  show(version: VolumeVersion): Promise<readonly KnownFile[]>;
  /** Walks through all that may differ from the version, each directory before what is in it. */
  scan(): AsyncIterable<FoundEntry>;
  /** Removes the copy. */
  close(): Promise<void>;
}

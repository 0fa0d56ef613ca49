import type { VolumeVersion } from '@gantry/mounts';

/** A folder that shows a version and never changes. */
export interface ShownVersion {
  readonly folder: string;
  /** Resolves if its files cannot be read any more. @defaultValue never */
  readonly lost?: Promise<Error> | undefined;
  /** It is not needed any more. */
  release(): Promise<void>;
}

/** Shows versions of volumes on this machine, to any number of containers at once. */
export interface VersionSource {
  show(version: VolumeVersion): Promise<ShownVersion>;
}

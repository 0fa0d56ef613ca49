import { chmod, chown, mkdir, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { mountOverlay, unmount, unmountAll } from '@gantry/containers';
import {
  fileInUse,
  type FoundEntry,
  type KnownFile,
  OpenFolder,
  volumeBusy,
  type VolumeVersion,
  type VolumeView,
} from '@gantry/mounts';

import { OverlayWalk } from './overlay-walk.ts';
import type { ShownVersion, VersionSource } from './version-source.ts';

export interface OverlayViewOptions {
  /** Where it is mounted. */
  folder: string;
  /** For what is written; exists. */
  place: string;
  versions: VersionSource;
  ownerId: number | undefined;
  isReadOnly: boolean;
  /** The path and a process of the container that has it, to say what is in use; undefined before there is one. */
  user(): { path: string; pid: number } | undefined;
  /** The files of the version cannot be read any more. */
  onLost(error: Error): void;
}

/** What is there: a version, and over it a folder for changes. */
interface Layers {
  version: VolumeVersion;
  shown: ShownVersion;
  place: string;
}

/** A version, shared by all who have it, under a folder of changes of its own: nothing is copied before it is changed. */
export class OverlayView implements VolumeView {
  readonly folder: string;
  readonly #options: OverlayViewOptions;
  #generation = 0;
  #layers: Layers | undefined;

  constructor(options: OverlayViewOptions) {
    this.#options = options;
    this.folder = options.folder;
  }

  async show(version: VolumeVersion): Promise<readonly KnownFile[]> {
    const next = await this.#prepare(version);
    try {
      await mkdir(this.folder, { recursive: true });
      // The kernel knows what is in use, in whatever container.
      if (!(await unmount(this.folder))) throw volumeBusy(await this.#inUse());
      await mountOverlay({ at: this.folder, place: next.place });
    } catch (error) {
      await discard(next);
      throw error;
    }
    const before = this.#layers;
    this.#layers = next;
    void next.shown.lost?.then((error) => {
      if (this.#layers === next) this.#options.onLost(error);
    });
    if (before) await discard(before);
    return [];
  }

  async *scan(): AsyncGenerator<FoundEntry> {
    if (!this.#layers || this.#options.isReadOnly) return;
    const { version, place } = this.#layers;
    await using upper = await OpenFolder.open(join(place, 'upper'));
    await using merged = await OpenFolder.open(this.folder);
    yield* new OverlayWalk(version).changes({ path: '', upper, merged });
  }

  async close(): Promise<void> {
    await unmountAll(this.folder);
    if (this.#layers) await discard(this.#layers);
    this.#layers = undefined;
    await rm(this.#options.place, { recursive: true, force: true });
    await rm(this.folder, { recursive: true, force: true });
    // The folders of the container, with the last of its mounts.
    for (const path of [this.folder, this.#options.place]) await rmdir(dirname(path)).catch(() => undefined);
  }

  async #prepare(version: VolumeVersion): Promise<Layers> {
    const { versions, isReadOnly } = this.#options;
    const place = join(this.#options.place, String(++this.#generation));
    await mkdir(place, { recursive: true });
    const shown = await versions.show(version);
    try {
      await symlink(shown.folder, join(place, 'lower'));
      for (const name of isReadOnly ? ['empty'] : ['upper', 'work'])
        await this.#ownedFolder(join(place, name));
      return { version, shown, place };
    } catch (error) {
      await shown.release();
      throw error;
    }
  }

  async #ownedFolder(path: string): Promise<void> {
    const { ownerId } = this.#options;
    await mkdir(path);
    await chmod(path, 0o755);
    if (ownerId !== undefined) await chown(path, ownerId, ownerId);
  }

  async #inUse(): Promise<string | undefined> {
    const user = this.#options.user();
    return (await fileInUse(this.folder)) ?? (user && fileInUse(user.path, user.pid));
  }
}

async function discard({ shown, place }: Layers): Promise<void> {
  await rm(place, { recursive: true, force: true });
  await shown.release();
}

import { mkdirSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { BlobStore } from '@gantry/blobs';
import { canMountOverlays, type ContainerVolume, SharedMounts } from '@gantry/containers';
import {
  CopiedView,
  findMountProblem,
  MountedVolume,
  VersionMounts,
  type VersionMountsOptions,
  type VersionsInUse,
  type VolumeView,
} from '@gantry/mounts';
import type { VolumeMount } from '@gantry/protocol';
import type { VolumeStore } from '@gantry/volumes';

import { MountedVersions } from './mounted-versions.ts';
import { OverlayView } from './overlay-view.ts';
import type { VersionSource } from './version-source.ts';
import { WrittenVersions } from './written-versions.ts';

export interface WorkerVolumesOptions {
  /** For copies and versions. One per worker. */
  folder: string;
  store: VolumeStore;
  blobs: Pick<BlobStore, 'getBytes' | 'putBytes' | 'putPart'>;
  inUse: Pick<VersionsInUse, 'add' | 'remove' | 'close'>;
  /** Who owns files in containers. @defaultValue whoever runs the worker */
  ownerId?: number | undefined;
  /** How versions are mounted where that is possible. @defaultValue they are written to disk whole */
  mounts?: Omit<VersionMountsOptions, 'folder'> | undefined;
  /** Copies files even where overlays can be mounted. @defaultValue false */
  copies?: boolean | undefined;
  /** Containers see nothing that is mounted later, and hold files open: they have copies. @defaultValue false */
  isSandboxed?: boolean | undefined;
}

/** A container that gets volumes. */
export interface VolumeUser {
  containerId: string;
  mounts: readonly VolumeMount[];
  /** Throws if it may not commit any more. */
  assertOwn(): void;
  /** Files of a version cannot be read any more. */
  onLost(error: Error): void;
  /** Its first process, once it runs. */
  pid(): number | undefined;
}

/** Volumes on this machine: as overlays where these can be mounted, else as copies. */
export class WorkerVolumes {
  readonly #options: WorkerVolumesOptions;
  readonly #written: WrittenVersions;
  readonly #mounts: VersionMounts | undefined;
  #versions: VersionSource;
  #shared: SharedMounts | undefined;

  constructor(options: WorkerVolumesOptions) {
    this.#options = options;
    const { folder, blobs, ownerId } = options;
    this.#written = new WrittenVersions(join(folder, 'versions'), { blobs, ownerId });
    this.#versions = this.#written;
    const { mounts } = options;
    this.#mounts = mounts && new VersionMounts({ ...mounts, folder: join(folder, 'mounts') });
  }

  /** Removes what a killed worker left behind, and finds out what can be done here. */
  async start(): Promise<void> {
    const { folder, isSandboxed, copies = isSandboxed } = this.#options;
    await mkdir(this.#containers, { recursive: true });
    const isOverlaid = copies !== true && (await canMountOverlays(folder));
    if (isOverlaid) this.#shared = await SharedMounts.open();
    for (const name of await readdir(this.#containers)) {
      await rm(join(this.#containers, name), { recursive: true, force: true });
    }
    await this.#written.clean();
    await this.#mounts?.reconcile();
    if (!this.#mounts || !isOverlaid || findMountProblem()) return;
    const ownerId = this.#options.ownerId ?? process.getuid?.() ?? 0;
    this.#versions = new MountedVersions(this.#mounts, ownerId, this.#written);
  }

  /** When no container has a volume any more. */
  async close(): Promise<void> {
    await this.#shared?.close();
    await this.#mounts?.close();
    await this.#options.inUse.close();
  }

  /** Makes a place for each; nothing is shown yet. */
  open(user: VolumeUser): { mounted: MountedVolume[]; shown: ContainerVolume[] } {
    const mounted: MountedVolume[] = [];
    const shown: ContainerVolume[] = [];
    for (const [index, mount] of user.mounts.entries()) {
      const view = this.#view(user, mount, String(index));
      const { store, blobs, inUse } = this.#options;
      mounted.push(
        new MountedVolume({ mount, store, blobs, inUse, view, assertOwn: () => user.assertOwn() }),
      );
      shown.push({ folder: view.folder, target: mount.path, isReadOnly: mount.readOnly === true });
    }
    return { mounted, shown };
  }

  #view(user: VolumeUser, mount: VolumeMount, name: string): VolumeView {
    const { blobs, ownerId, isSandboxed } = this.#options;
    const place = join(this.#containers, user.containerId, name);
    mkdirSync(place, { recursive: true });
    const isReadOnly = mount.readOnly === true;
    if (this.#shared === undefined) {
      const copied = new CopiedView(place, { blobs, ownerId, isReadOnly, isSandboxed });
      mkdirSync(copied.folder);
      return copied;
    }
    const folder = join(this.#shared.folder, user.containerId, name);
    mkdirSync(folder, { recursive: true });
    return new OverlayView({
      ...{ folder, place, ownerId, isReadOnly },
      versions: this.#versions,
      onLost: (error) => user.onLost(error),
      user: () => {
        const pid = user.pid();
        return pid === undefined ? undefined : { path: mount.path, pid };
      },
    });
  }

  get #containers(): string {
    return join(this.#options.folder, 'containers');
  }
}

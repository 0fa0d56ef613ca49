import { rmdir } from 'node:fs/promises';
import { basename } from 'node:path';

import { GantryError } from '@gantry/protocol';

import { DaemonProcess, type DaemonCommand } from './daemon-process.ts';
import type { VersionToMount } from './daemon-messages.ts';
import { findMountProblem, MOUNT_TYPE } from './fuse-mount.ts';
import { MountFolder } from './mount-folder.ts';

export interface VersionMountsOptions extends DaemonCommand {
  /** Mounts get their places in it. One worker per folder. */
  folder: string;
}

/** A version of a volume that can be read as files below `path`. */
export interface MountedVersion {
  path: string;
  /** Resolves, with what happened, if its files cannot be read any more. */
  lost: Promise<GantryError>;
  /** To be called once by each who mounted it. Who still has files of it open keeps them. */
  unmount(): Promise<void>;
}

interface SharedMount {
  path: string;
  users: number;
  daemon: DaemonProcess;
  ready: Promise<void>;
}

/**
 * Versions of volumes as file systems of this machine, without a copy of their files. Whoever mounts the same version for
 * the same owner shares one mount, and with it what the kernel has of it in memory.
 *
 * @example
 * ```ts
 * const mounts = new VersionMounts({ folder, program: 'mount-daemon.mjs', setup: { blobs }, warn });
 * await mounts.reconcile();
 * const version = await mounts.mount({ root: head.root, ownerId: CONTAINER_IDS.first });
 * await readdir(version.path);
 * await version.unmount();
 * ```
 */
export class VersionMounts {
  readonly #options: VersionMountsOptions;
  readonly #folder: MountFolder;
  readonly #mounts = new Map<string, SharedMount>();
  #daemon: DaemonProcess | undefined;
  #count = 0;

  constructor(options: VersionMountsOptions) {
    this.#options = options;
    this.#folder = new MountFolder(options.folder, MOUNT_TYPE);
  }

  /**
   * @throws GantryError `UNAVAILABLE` where nothing can be mounted (its message says why) or the daemon ended;
   * ResourceExhaustedError above 240 mounts; NotFoundError for a root that the store does not have.
   */
  async mount(version: VersionToMount): Promise<MountedVersion> {
    const key = `${version.root ?? 'empty'}-${version.ownerId}`;
    let shared = this.#mounts.get(key);
    if (!shared || shared.daemon.hasEnded) {
      shared = this.#start(version);
      this.#mounts.set(key, shared);
    }
    const used = shared;
    used.users++;
    try {
      await used.ready;
    } catch (error) {
      this.#forget(key, used);
      throw error;
    }
    let isUnmounted = false;
    return {
      path: used.path,
      lost: used.daemon.ended,
      unmount: async () => {
        if (isUnmounted) return;
        isUnmounted = true;
        await this.#release(key, used);
      },
    };
  }

  /** Takes away what a worker that was killed left mounted. Resolves to how many that were. */
  reconcile(): Promise<number> {
    return this.#folder.clear();
  }

  /** Ends the daemon: its files cannot be read any more. */
  async close(): Promise<void> {
    this.#mounts.clear();
    await this.#daemon?.close();
    await this.reconcile();
  }

  #start({ root, ownerId }: VersionToMount): SharedMount {
    const problem = findMountProblem();
    if (problem) throw new GantryError('UNAVAILABLE', `no FUSE here: ${problem.message}`, problem);
    if (!this.#daemon || this.#daemon.hasEnded) this.#daemon = this.#newDaemon();
    const shared: SharedMount = { path: '', users: 0, daemon: this.#daemon, ready: Promise.resolve() };
    shared.ready = this.#mountWith(shared, { root, ownerId });
    return shared;
  }

  async #mountWith(shared: SharedMount, { root, ownerId }: VersionToMount): Promise<void> {
    const { daemon } = shared;
    const name = `${daemon.pid}-${++this.#count}-${(root ?? 'empty').slice(-12)}`;
    shared.path = await this.#folder.newPlace(name);
    try {
      await daemon.mount(shared.path, { root, ownerId });
    } catch (error) {
      await rmdir(shared.path).catch(() => undefined);
      throw error;
    }
  }

  #newDaemon(): DaemonProcess {
    const daemon = new DaemonProcess(this.#options);
    void daemon.ended.then(async (error) => {
      this.#options.warn(error.message);
      for (const [key, shared] of this.#mounts) if (shared.daemon === daemon) this.#mounts.delete(key);
      // Their places answer with errors until they are taken away.
      const places = await this.#folder.places();
      const lost = places.filter((place) => basename(place).startsWith(`${daemon.pid}-`));
      await Promise.allSettled(lost.map((place) => this.#folder.remove(place)));
    });
    return daemon;
  }

  async #release(key: string, shared: SharedMount): Promise<void> {
    if (--shared.users > 0) return;
    this.#forget(key, shared);
    if (shared.daemon.hasEnded) return;
    await shared.daemon.unmount(shared.path);
    await rmdir(shared.path);
  }

  #forget(key: string, shared: SharedMount): void {
    if (this.#mounts.get(key) === shared) this.#mounts.delete(key);
  }
}

import { mkdir, readdir, readFile, realpath, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { GantryError, ResourceExhaustedError } from '@gantry/protocol';

import { DaemonProcess, type DaemonCommand } from './daemon-process.ts';
import type { VersionToMount } from './daemon-messages.ts';
import { findMountProblem, MOUNT_TYPE, unmount } from './fuse-mount.ts';

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

/** Each keeps a thread of the daemon waiting. */
const MOST_MOUNTS = 240;

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
  readonly #mounts = new Map<string, SharedMount>();
  #daemon: DaemonProcess | undefined;
  #count = 0;

  constructor(options: VersionMountsOptions) {
    this.#options = options;
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
  async reconcile(): Promise<number> {
    const { folder } = this.#options;
    const places = await mountsBelow(folder);
    for (const place of places) await unmount(place);
    for (const name of await readdir(folder).catch(() => []))
      await rmdir(join(folder, name)).catch(() => undefined);
    return places.length;
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
    if (this.#mounts.size >= MOST_MOUNTS)
      throw new ResourceExhaustedError(`${MOST_MOUNTS} versions of volumes are mounted on this machine`);
    if (!this.#daemon || this.#daemon.hasEnded) this.#daemon = this.#newDaemon();
    const daemon = this.#daemon;
    const name = `${(root ?? 'empty').slice(-12)}-${process.pid}-${++this.#count}`;
    const path = join(this.#options.folder, name);
    const ready = mkdir(path, { recursive: true }).then(() => daemon.mount(path, { root, ownerId }));
    return { path, users: 0, daemon, ready };
  }

  #newDaemon(): DaemonProcess {
    const daemon = new DaemonProcess(this.#options);
    void daemon.ended.then(async (error) => {
      this.#options.warn(error.message);
      for (const [key, shared] of this.#mounts) if (shared.daemon === daemon) this.#mounts.delete(key);
      // Their places answer with errors until they are taken away.
      const places = await mountsBelow(this.#options.folder);
      const used = [...this.#mounts.values()].map(({ path }) => basename(path));
      const lost = places.filter((place) => !used.includes(basename(place)));
      await Promise.allSettled(lost.map((place) => removeMount(place)));
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

async function removeMount(place: string): Promise<void> {
  await unmount(place);
  await rmdir(place);
}

/** Places of our mounts, the ones mounted last first. */
async function mountsBelow(folder: string): Promise<string[]> {
  const real = await realpath(folder).catch(() => folder);
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table
    .split('\n')
    .filter((line) => line.includes(` - ${MOUNT_TYPE} `))
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((place) => place.startsWith(`${real}/`))
    .reverse();
}

/** The table has spaces and the like as octal numbers. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { type VolumeVersion, writeVersion, type WriteOptions } from '@gantry/mounts';
import type { VolumeTree } from '@gantry/volumes';

import type { ShownVersion, VersionSource } from './version-source.ts';

/** Versions that nobody needs now are kept, for the next container. */
const MOST_UNUSED = 4;

interface Written {
  key: string;
  tree: VolumeTree;
  folder: string;
  users: number;
}

/** Versions as folders of files, written once for all containers of this machine. */
export class WrittenVersions implements VersionSource {
  readonly #folder: string;
  readonly #options: Omit<WriteOptions, 'near' | 'isReadOnly'>;
  /** The one that was used last at the end. */
  readonly #written = new Map<string, { version: VolumeVersion; written: Promise<Written> }>();
  #count = 0;

  constructor(folder: string, options: Omit<WriteOptions, 'near' | 'isReadOnly'>) {
    this.#folder = folder;
    this.#options = options;
  }

  async show(version: VolumeVersion): Promise<ShownVersion> {
    const key = `${version.volumeId} ${version.root ?? ''} ${version.subPath}`;
    const written = await this.#open(key, version);
    written.users++;
    let isReleased = false;
    const release = async (): Promise<void> => {
      if (isReleased) return;
      isReleased = true;
      written.users--;
      await this.#trim();
    };
    return { folder: written.folder, release };
  }

  /** Removes what a worker before this one left behind. */
  async clean(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) await rm(join(this.#folder, name), { recursive: true, force: true });
  }

  #open(key: string, version: VolumeVersion): Promise<Written> {
    const written = this.#written.get(key)?.written ?? this.#write(key, version, this.#near(version));
    this.#written.delete(key);
    this.#written.set(key, { version, written });
    written.catch(() => this.#written.delete(key));
    return written;
  }

  async #write(key: string, version: VolumeVersion, near: Promise<Written> | undefined): Promise<Written> {
    const name = String(++this.#count);
    const partial = join(this.#folder, `${name}.partial`);
    const folder = join(this.#folder, name);
    await mkdir(this.#folder, { recursive: true });
    try {
      const options = { ...this.#options, near: await near?.catch(() => undefined) };
      await writeVersion(version, partial, options);
      await rename(partial, folder);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
    return { key, tree: version.tree, folder, users: 0 };
  }

  /** The version of the same files that was used last. */
  #near({ volumeId, subPath }: VolumeVersion): Promise<Written> | undefined {
    const isLike = ({ version }: { version: VolumeVersion }): boolean =>
      version.volumeId === volumeId && version.subPath === subPath;
    return [...this.#written.values()].findLast(isLike)?.written;
  }

  async #trim(): Promise<void> {
    const all = await Promise.allSettled(Array.from(this.#written.values(), ({ written }) => written));
    const unused = all.flatMap((result) =>
      result.status === 'fulfilled' && result.value.users === 0 ? [result.value] : [],
    );
    for (const { key, folder } of unused.slice(0, Math.max(0, unused.length - MOST_UNUSED))) {
      this.#written.delete(key);
      await rm(folder, { recursive: true, force: true });
    }
  }
}

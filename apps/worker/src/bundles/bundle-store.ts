import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

import type { BlobStore } from '@gantry/blobs';
import { CONTAINER_IDS, gunzipped, unpackLayer } from '@gantry/containers';
import type { FunctionRecord } from '@gantry/protocol';

import { placeFiles } from './place-files.ts';
import { removeStaleBundles } from './stale-bundles.ts';
import { untar } from './untar.ts';

/** The parts of a function record that say what its containers load. */
export type BundleRefs = Pick<FunctionRecord, 'bundle' | 'sourceMap' | 'packages'>;

/**
 * Bundles and npm packages on this machine, by digest. Each is fetched once, however many containers start at
 * the same time, and appears whole or not at all.
 */
export class BundleStore {
  readonly #folder: string;
  readonly #blobs: BlobStore;
  readonly #opened = new Map<string, Promise<string>>();

  constructor(folder: string, blobs: BlobStore) {
    this.#folder = folder;
    this.#blobs = blobs;
  }

  /**
   * Absolute path of the bundle's entry module, with its source map and `node_modules` beside it.
   *
   * @throws `NotFoundError` if the blob store lacks a part.
   */
  open(refs: BundleRefs): Promise<string> {
    const folder = join(this.#folder, 'bundles', keyOf(refs));
    const path = join(folder, 'bundle.mjs');
    touch(folder);
    return this.#once(folder, async () => {
      await this.#appear(folder, (draft) => this.#fill(draft, refs));
      return path;
    });
  }

  /**
   * Puts the files that a function adds to its containers into the working directory of one that has no file system of
   * its own.
   *
   * @throws `NotFoundError` if the blob store lacks one of them, InvalidError for paths outside of the directory.
   */
  async placeFiles(directory: string, files: NonNullable<FunctionRecord['image']>['files']): Promise<void> {
    const placed = files.map(async ({ digest, remotePath }) => ({
      source: await this.openArchive(digest),
      remotePath,
    }));
    await placeFiles(directory, await Promise.all(placed));
  }

  /**
   * Folder to be laid over the root of a container, with a file or folder that a function adds to its containers.
   *
   * @param workdir - What a relative path is relative to. @defaultValue '/root'
   * @throws NotFoundError if the blob store lacks it.
   */
  async openLayer(
    { digest, remotePath }: { digest: string; remotePath: string },
    workdir = '/root',
  ): Promise<string> {
    const under = posix.resolve(workdir, remotePath);
    const place = createHash('sha256').update(under).digest('hex').slice(0, 8);
    const folder = join(this.#folder, 'packages', `${digest}-${place}`);
    touch(folder);
    return this.#once(folder, async () => {
      if (!existsSync(folder)) {
        await unpackLayer(await this.#blobs.get(digest), folder, { idShift: CONTAINER_IDS.first, under });
      }
      return folder;
    });
  }

  /** Removes what no container has opened for a week. To be called while no container runs. Returns how many. */
  removeStale(nowMs: number): Promise<number> {
    return removeStaleBundles(this.#folder, nowMs);
  }

  async #fill(draft: string, refs: BundleRefs): Promise<void> {
    const { bundle, sourceMap, packages } = refs;
    await Promise.all([
      this.#blobs.getBytes(bundle.digest).then((bytes) => writeFile(join(draft, 'bundle.mjs'), bytes)),
      this.#blobs.getBytes(sourceMap.digest).then((bytes) => writeFile(join(draft, 'bundle.mjs.map'), bytes)),
      packages &&
        this.openArchive(packages.digest).then((folder) =>
          symlink(join(folder, 'node_modules'), join(draft, 'node_modules'), 'dir'),
        ),
    ]);
  }

  /** Absolute path of the folder with what an archive holds. Not to be changed: containers share it. */
  openArchive(digest: string): Promise<string> {
    const folder = join(this.#folder, 'packages', digest);
    touch(folder);
    return this.#once(folder, async () => {
      await this.#appear(folder, async (draft) => {
        await untar(gunzipped(await this.#blobs.get(digest)), draft);
      });
      return folder;
    });
  }

  #once(key: string, open: () => Promise<string>): Promise<string> {
    let opened = this.#opened.get(key);
    if (!opened) {
      opened = open();
      this.#opened.set(key, opened);
      opened.catch(() => this.#opened.delete(key));
    }
    return opened;
  }

  /** Fills a draft folder and renames it, unless the folder is there. */
  async #appear(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
    if (existsSync(folder)) return;
    const draft = `${folder}.${randomBytes(6).toString('hex')}.draft`;
    await mkdir(draft, { recursive: true });
    try {
      await fill(draft);
      await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
}

/** A folder's time says when it was last of use. One that is not there yet gets its time when it appears. */
function touch(folder: string): void {
  const now = new Date();
  utimes(folder, now, now).catch(() => undefined);
}

// The same bundle can come with other packages, or a source map of moved lines.
function keyOf(refs: BundleRefs): string {
  const rest = createHash('sha256').update(`${refs.sourceMap.digest} ${refs.packages?.digest ?? ''}`);
  return `${refs.bundle.digest}-${rest.digest('hex').slice(0, 8)}`;
}

import { chown, mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { assertNotInUse } from './files-in-use.ts';
import { walkAll } from './copy-walk.ts';
import { OpenFolder } from './open-folder.ts';
import { TICK_MS } from './stored-file.ts';
import type { FoundEntry, KnownFile, VolumeVersion, VolumeView } from './volume-view.ts';
import { writeVersion, type WriteOptions } from './write-version.ts';

export interface CopyOptions extends Omit<WriteOptions, 'near'> {
  /** Its users hold files open that their code has closed: so nothing is ever said to be in use. @defaultValue false */
  isSandboxed?: boolean | undefined;
}

/** A copy of all files: what there is where nothing can be mounted. */
export class CopiedView implements VolumeView {
  readonly folder: string;
  readonly #place: string;
  readonly #options: CopyOptions;
  #isShown = false;

  /** @param place A folder for the copy, which exists. */
  constructor(place: string, options: CopyOptions) {
    this.#place = place;
    this.folder = join(place, 'copy');
    this.#options = options;
  }

  async show(version: VolumeVersion): Promise<readonly KnownFile[]> {
    const next = join(this.#place, 'next');
    await this.#assertNotInUse();
    await rm(next, { recursive: true, force: true });
    await writeVersion(version, next, this.#options);
    await this.#assertNotInUse();
    await this.#replaceBy(next);
    this.#isShown = true;
    const known: KnownFile[] = [];
    for await (const { path, stats } of this.scan()) if (stats) known.push({ path, stats });
    // What is written from now on has another time.
    await delay(TICK_MS);
    return known;
  }

  async #assertNotInUse(): Promise<void> {
    if (!this.#options.isSandboxed) await assertNotInUse(this.folder);
  }

  /** Containers may have the folder itself: what is in it is another, and it stays. */
  async #replaceBy(next: string): Promise<void> {
    const { ownerId } = this.#options;
    const old = join(this.#place, 'old');
    await rm(old, { recursive: true, force: true });
    for (const folder of [this.folder, old]) await mkdir(folder, { recursive: true });
    if (ownerId !== undefined) await chown(this.folder, ownerId, ownerId);
    for (const name of await readdir(this.folder)) await rename(join(this.folder, name), join(old, name));
    for (const name of await readdir(next)) await rename(join(next, name), join(this.folder, name));
    for (const folder of [old, next]) await rm(folder, { recursive: true, force: true });
  }

  async *scan(): AsyncGenerator<FoundEntry> {
    if (!this.#isShown) return;
    await using folder = await OpenFolder.open(this.folder);
    yield* walkAll(folder);
  }

  async close(): Promise<void> {
    await rm(this.#place, { recursive: true, force: true });
    // The folder of the container, with the last of its copies.
    await rmdir(dirname(this.#place)).catch(() => undefined);
  }
}

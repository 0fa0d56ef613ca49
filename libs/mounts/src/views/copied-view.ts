import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { assertNotInUse } from './files-in-use.ts';
import { walkAll } from './copy-walk.ts';
import { OpenFolder } from './open-folder.ts';
import { TICK_MS } from './stored-file.ts';
import type { FoundEntry, KnownFile, VolumeVersion, VolumeView } from './volume-view.ts';
import { writeVersion, type WriteOptions } from './write-version.ts';

/** A copy of all files: what there is where nothing can be mounted. */
export class CopiedView implements VolumeView {
  readonly folder: string;
  readonly #place: string;
  readonly #options: Omit<WriteOptions, 'near'>;
  #isShown = false;

  /** @param place A folder for the copy, which exists. */
  constructor(place: string, options: Omit<WriteOptions, 'near'>) {
    this.#place = place;
    this.folder = join(place, 'copy');
    this.#options = options;
  }

  async show(version: VolumeVersion): Promise<readonly KnownFile[]> {
    const next = join(this.#place, 'next');
    const old = join(this.#place, 'old');
    await assertNotInUse(this.folder);
    await rm(next, { recursive: true, force: true });
    await writeVersion(version, next, this.#options);
    await mkdir(this.folder, { recursive: true });
    await assertNotInUse(this.folder);
    await rename(this.folder, old);
    await rename(next, this.folder);
    await rm(old, { recursive: true, force: true });
    this.#isShown = true;
    const known: KnownFile[] = [];
    for await (const { path, stats } of this.scan()) if (stats) known.push({ path, stats });
    // What is written from now on has another time.
    await delay(TICK_MS);
    return known;
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

import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { ownedFolder, PLATFORM_FOLDER } from './places.ts';

/** Where Node looks for compiled code in every container. */
export const INNER_CACHE = join(PLATFORM_FOLDER, 'cache');

/**
 * The compiled code of the runner, as a layer for every container. It is written once, by a container that runs no
 * code but the runner's: a cache that users' containers could write would let one of them run its code in another.
 */
export class RunnerCache {
  readonly #folder: string;

  /** @param folder - Of all such layers; there is one per runner. */
  constructor(folder: string, runnerPath: string) {
    const { size, mtimeMs } = statSync(runnerPath);
    const key = createHash('sha256').update(`${runnerPath} ${size} ${mtimeMs} ${process.version}`);
    this.#folder = join(folder, key.digest('hex').slice(0, 16));
  }

  /** None before it has been written. */
  get layers(): string[] {
    return existsSync(this.#folder) ? [this.#folder] : [];
  }

  /** Takes over what a container has written that ended well, from the upper folder of its root. */
  take(upper: string): void {
    const written = join(upper, INNER_CACHE);
    if (!existsSync(written)) return;
    const draft = join(dirname(this.#folder), `.${basename(this.#folder)}.draft`);
    rmSync(draft, { recursive: true, force: true });
    const place = join(draft, INNER_CACHE);
    // A folder of a layer has its owner in containers, also where a lower layer has it as well.
    for (const folder of [draft, dirname(dirname(place)), dirname(place)]) ownedFolder(folder);
    renameSync(written, place);
    renameSync(draft, this.#folder);
  }
}

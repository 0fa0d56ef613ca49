import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ownedFolder, PLATFORM_FOLDER } from './places.ts';

/** Where Node looks for compiled code in every container. */
export const INNER_CACHE = join(PLATFORM_FOLDER, 'cache');
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Code as V8 compiled it, as a layer for containers. It is written once, by a container that runs no code of users: a
 * cache that users' containers could write would let one of them run its code in another.
 */
export class CompiledCode {
  /** Differs for each content, and each Node. */
  readonly key: string;
  readonly #folder: string;

  /**
   * @param folder - Of all such layers.
   * @param code - Path of the module.
   * @param target - Where containers have it: Node finds what it compiled by the name of the file.
   */
  constructor(folder: string, code: string, target = code) {
    const { size, mtimeMs } = statSync(code);
    const hash = createHash('sha256').update(`${code} ${target} ${size} ${mtimeMs} ${process.version}`);
    this.key = hash.digest('hex').slice(0, 16);
    this.#folder = join(folder, this.key);
  }

  /** None before it has been written. */
  get layers(): string[] {
    return existsSync(this.#folder) ? [this.#folder] : [];
  }

  /** Says that it is of use: see {@link removeStaleCode}. */
  touch(): void {
    const now = new Date();
    if (existsSync(this.#folder)) utimesSync(this.#folder, now, now);
  }

  /**
   * Takes over what a container has written that ended well, from the upper folder of its root. Without effect where that
   * fails, as when another did the same at the same time: containers compile for themselves what they do not find.
   */
  take(upper: string): void {
    const written = join(upper, INNER_CACHE);
    const draft = join(dirname(this.#folder), `.${this.key}-${randomBytes(6).toString('hex')}.draft`);
    const place = join(draft, INNER_CACHE);
    try {
      // A folder of a layer has its owner in containers, also where a lower layer has it as well.
      for (const folder of [draft, dirname(dirname(place)), dirname(place)]) ownedFolder(folder);
      renameSync(written, place);
      renameSync(draft, this.#folder);
    } catch {
      rmSync(draft, { recursive: true, force: true });
    }
  }
}

/** Removes what no container has used for a week. To be called while none runs. */
export function removeStaleCode(folder: string, nowMs: number): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // Another may just have given it its name, or removed it.
    const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs;
    if (usedMs < nowMs - KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}

import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { ImageLayer } from '@gantry/protocol';

import { isRootless } from '../rootless/user-namespace.ts';

const DAY_MS = 86_400_000;
/** What is older is made anew by whoever needs it next: packages get fixes. */
const MOST_AGE_MS = 7 * DAY_MS;
const RECORD = '.json';
const CONTENT = '.tar.gz';

/** A layer on this machine's disk. */
export interface BaseLayer {
  layer: ImageLayer;
  /** The archive. */
  path: string;
}

/** Where {@link BaseLayers} are kept unless something else is said. */
export function machineCacheFolder(env: NodeJS.ProcessEnv): string {
  const { GANTRY_CACHE_DIR, XDG_CACHE_HOME } = env;
  if (GANTRY_CACHE_DIR) return GANTRY_CACHE_DIR;
  if (process.getuid?.() === 0 && !isRootless()) return '/var/cache/gantry';
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'gantry');
}

/**
 * The layers that images begin with, by what they are made of. They are the same for all platforms of a machine, and
 * take long to make. All of it can be removed at any time.
 */
export class BaseLayers {
  readonly #folder: string;
  readonly #now: () => number;

  constructor(folder: string, now: () => number = Date.now) {
    this.#folder = folder;
    this.#now = now;
  }

  /** The layer of this definition, if there is one that is not too old. */
  async find(definition: string): Promise<BaseLayer | undefined> {
    const name = nameOf(definition);
    try {
      const { mtimeMs } = await stat(join(this.#folder, name + RECORD));
      if (this.#now() - mtimeMs > MOST_AGE_MS) return undefined;
      const layer = JSON.parse(await readFile(join(this.#folder, name + RECORD), 'utf8')) as ImageLayer;
      const path = join(this.#folder, layer.digest + CONTENT);
      const { size } = await stat(path);
      return size === layer.sizeBytes ? { layer, path } : undefined;
    } catch {
      // There is none, or it is being removed.
      return undefined;
    }
  }

  /** Keeps a copy of a layer, in the place of an older one. Without effect where that is not possible. */
  async keep(definition: string, { layer, path }: BaseLayer): Promise<void> {
    const draft = join(this.#folder, `.${randomBytes(6).toString('hex')}`);
    try {
      // What others may write, they could make part of every image.
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await copyFile(path, draft, constants.COPYFILE_FICLONE);
      await rename(draft, join(this.#folder, layer.digest + CONTENT));
      await writeFile(draft, JSON.stringify(layer));
      await rename(draft, join(this.#folder, nameOf(definition) + RECORD));
      await this.#removeOld();
    } catch {
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }

  async #removeOld(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path);
      if (this.#now() - mtimeMs > MOST_AGE_MS) await rm(path, { force: true });
    }
  }
}

function nameOf(definition: string): string {
  return createHash('sha256').update(definition).digest('hex');
}

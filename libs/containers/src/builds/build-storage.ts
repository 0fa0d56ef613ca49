import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { runTool } from './tool-process.ts';

export interface BuildStorageOptions {
  /** Buildah's. */
  folder: string;
  /** Removes what buildah keeps in it. */
  empty: () => Promise<void>;
  /** Folder of builds under way. */
  stepsFolder: string;
  /** Above it, the storage is emptied when nothing is built. */
  limitBytes: number;
}

/** Measuring walks through all files. */
const LEAST_PAUSE_MS = 60_000;

/**
 * Keeps the storage of builds within a limit. All in it only saves time, so it is emptied as a whole, between builds:
 * what the next ones go on from is fetched from the layer store again.
 */
export class BuildStorage {
  readonly #options: BuildStorageOptions;
  #running = 0;
  #upkeep: Promise<void>;
  #lookedAt = -Infinity;

  constructor(options: BuildStorageOptions) {
    this.#options = options;
    this.#upkeep = removeOrphans(options.stepsFolder);
  }

  /** Runs a build with a folder of its own; the storage stays as it is until no build runs. */
  async use<T>(build: (folder: string) => Promise<T>): Promise<T> {
    await this.#upkeep;
    this.#running += 1;
    const folder = join(this.#options.stepsFolder, `${process.pid}-${randomBytes(6).toString('hex')}`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return await build(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
      this.#running -= 1;
      if (this.#running === 0) this.#upkeep = this.#keepWithinLimit().catch(() => undefined);
    }
  }

  /** Resolves when nothing is at work in the storage any more. */
  async close(): Promise<void> {
    await this.#upkeep;
  }

  async #keepWithinLimit(): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < LEAST_PAUSE_MS) return;
    this.#lookedAt = now;
    const { folder, limitBytes, empty } = this.#options;
    const [kibibytes] = (await runTool('du', ['-skx', folder])).split('\t');
    if (Number(kibibytes) * 1024 > limitBytes) await empty();
  }
}

/** Removes the folders of builds whose process was killed. */
async function removeOrphans(stepsFolder: string): Promise<void> {
  const names = await readdir(stepsFolder).catch(() => []);
  const orphans = names.filter((name) => !isRunning(parseInt(name, 10)));
  await Promise.all(orphans.map((name) => rm(join(stepsFolder, name), { recursive: true, force: true })));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

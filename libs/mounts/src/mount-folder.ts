import { mkdir, mkdtemp, readdir, readFile, realpath, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

import { mountShared, unmount } from './fuse-mount.ts';

/**
 * The folder in which a worker mounts. It is a mount itself, of the kind that tells others what happens in it: else each
 * container, which begins with a copy of the machine's mounts, would keep all versions mounted that it has seen.
 */
export class MountFolder {
  readonly #path: string;
  readonly #type: string;
  #prepared: Promise<void> | undefined;

  /** @param type What is mounted there, in the kernel's words. */
  constructor(path: string, type: string) {
    this.#path = path;
    this.#type = type;
  }

  /** Makes a place to mount at, of a name that none had before: what a killed worker left may still be in use. */
  async newPlace(name: string): Promise<string> {
    this.#prepared ??= this.#prepare();
    await this.#prepared;
    return mkdtemp(join(this.#path, `${name}-`));
  }

  /** Places where something is mounted, the last one first. */
  async places(): Promise<string[]> {
    const real = await realpath(this.#path).catch(() => this.#path);
    const mounts = await mountTable();
    const found = mounts.filter(({ type, place }) => type === this.#type && place.startsWith(`${real}/`));
    return found.map(({ place }) => join(this.#path, place.slice(real.length + 1))).reverse();
  }

  /** Takes a mount away, also one whose daemon is gone. */
  async remove(place: string): Promise<void> {
    await unmount(place);
    await rmdir(place);
  }

  /** Takes everything away. Resolves to how many mounts that were. */
  async clear(): Promise<number> {
    this.#prepared = undefined;
    const places = await this.places();
    for (const place of places) await takeAway(place, async () => (await this.places()).includes(place));
    for (const name of await readdir(this.#path).catch(() => []))
      await rmdir(join(this.#path, name)).catch(() => undefined);
    if (await this.#isMounted()) await takeAway(this.#path, () => this.#isMounted());
    return places.length;
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#path, { recursive: true });
    if (!(await this.#isMounted())) await mountShared(this.#path);
  }

  async #isMounted(): Promise<boolean> {
    const real = await realpath(this.#path).catch(() => this.#path);
    return (await mountTable()).some(({ place }) => place === real);
  }
}

/** A program that is told to end takes its mount along, which may be in the same moment. */
async function takeAway(place: string, isThere: () => Promise<boolean>): Promise<void> {
  try {
    await unmount(place);
  } catch (error) {
    if (await isThere()) throw error;
  }
}

/** What is mounted, as this process sees it. */
export async function mountTable(): Promise<{ place: string; type: string }[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  return table.split('\n').map((line) => {
    const [about = '', system = ''] = line.split(' - ');
    return { place: unescaped(about.split(' ')[4] ?? ''), type: system.split(' ')[0] ?? '' };
  });
}

/** The table has spaces and the like as octal numbers. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

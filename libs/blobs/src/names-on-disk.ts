import { chmod, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { vendorCode } from './blob-errors.ts';
import { FolderSyncs } from './folder-syncs.ts';

const WRITE_BITS = 0o222;
/** As many as there are of blobs. */
const REMEMBERED = 65_536;

/**
 * Which names of files in a folder, and in those below it, are on disk: a power cut takes names away that are not, whatever is
 * on disk of the files.
 *
 * A file that nobody may write to has its name on disk. That is how other processes know, also after a restart; one that was
 * killed before it could say so has the next one that looks bring the name there.
 */
export class NamesOnDisk {
  readonly #root: string;
  readonly #syncs = new FolderSyncs(syncDirectory);
  /** Folders that are on disk themselves. */
  readonly #known = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Brings the name of a file to disk, that was given to it just now. */
  async named(path: string): Promise<void> {
    const folder = dirname(path);
    await this.#syncs.sync(this.#known.has(folder) ? [folder] : this.#upTo(folder));
    this.#remember(folder);
    await sealed(path);
  }

  /** Brings a name to disk unless it is known to be there. `mode` is that of the file. */
  async assure(path: string, { mode }: { mode: number }): Promise<void> {
    if ((mode & WRITE_BITS) !== 0) await this.named(path);
  }

  /** Says that a folder was made just now. */
  made(folder: string): void {
    this.#known.delete(folder);
  }

  #upTo(folder: string): string[] {
    const folders = [folder];
    for (let above = folder; above.length > this.#root.length;) folders.push((above = dirname(above)));
    return folders;
  }

  #remember(folder: string): void {
    this.#known.add(folder);
    const [oldest] = this.#known;
    if (this.#known.size > REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}

// Whoever else gave a file this name meanwhile, gave it to the same content.
async function sealed(path: string): Promise<void> {
  try {
    const { mode } = await stat(path);
    await chmod(path, mode & 0o777 & ~WRITE_BITS);
  } catch {
    // It was removed, is another user's, or the file system keeps no modes: the name is brought to disk once more, then.
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // Some file systems cannot sync a directory; there the rename itself is the best that can be had.
    if (vendorCode(error) !== 'EINVAL') throw error;
  } finally {
    await directory.close();
  }
}

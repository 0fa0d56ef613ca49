import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { makeUpperFolders } from './launch.ts';
import { runTool } from './run-tool.ts';

const BYTES_PER_INODE = 32_768;

/**
 * Empty file systems of a given size, to be copied for each container that may write no more than that. They take no
 * room until something is written.
 */
export class DiskImages {
  readonly #folder: string;
  readonly #made = new Map<number, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Path of an image of this size, with the two folders that overlayfs writes to. */
  open(sizeMiB: number): Promise<string> {
    let made = this.#made.get(sizeMiB);
    if (!made) {
      made = this.#make(sizeMiB);
      this.#made.set(sizeMiB, made);
      made.catch(() => this.#made.delete(sizeMiB));
    }
    return made;
  }

  async #make(sizeMiB: number): Promise<string> {
    const path = join(this.#folder, `${sizeMiB}.img`);
    if (existsSync(path)) return path;
    const draft = mkdtempSync(join(dirname(path), '.draft-'));
    try {
      const seed = join(draft, 'seed');
      mkdirSync(seed);
      makeUpperFolders(seed);
      const image = join(draft, 'image');
      // No journal, no second superblocks: nobody needs the content after a crash. Tables in few places: each start copies
      // what is no hole. In still fewer, the kernel looks long for its first free block.
      const features = ['-O', '^has_journal,^resize_inode,sparse_super2', '-G', '32'];
      const extended = ['-E', 'lazy_itable_init=1,nodiscard,num_backup_sb=0'];
      const layout = ['-m', '0', '-i', String(BYTES_PER_INODE), '-d', seed];
      await runTool('mkfs.ext4', ['-q', ...features, ...extended, ...layout, image, `${sizeMiB}M`]);
      renameSync(image, path);
      return path;
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
}

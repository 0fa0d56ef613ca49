import { ExecutionError, NotFoundError } from '@gantry/protocol';

import { BlockFolder } from './block-folder.ts';
import type { HeldBlock } from './block-memory.ts';
import type { BlockReader } from './block-source.ts';

/** Blocks of a store on this machine's disk, read where they are: a copy would be no faster. */
export class LocalBlocks implements BlockReader {
  readonly #folder: BlockFolder;

  constructor(folder: string) {
    this.#folder = new BlockFolder(folder);
  }

  async read(digest: string, sizeBytes?: number): Promise<HeldBlock> {
    const found = await this.#folder.read(digest, sizeBytes);
    if (found === undefined) throw new NotFoundError(`the store has no block "${digest}"`);
    if (found !== 'damaged') return found;
    throw new ExecutionError(`block "${digest}" is damaged: its file has other bytes`, {
      hint: 'Check the disk for errors, and store the files of the volume again.',
    });
  }
}

import { rm } from 'node:fs/promises';

import type { BlockFolder, StoredBlock } from './block-folder.ts';

/** What is left after blocks were removed. */
const KEPT = 0.9;
/** After so much more of the limit, it is looked what the folder holds: others may write to it too. */
const LOOK_AFTER = 0.05;

/**
 * Keeps a folder of blocks under its limit, removing what was used longest ago. Every process that shares the folder does:
 * to remove a block twice harms nobody, nor to remove one that is being read.
 */
export class CacheRoom {
  readonly #folder: BlockFolder;
  readonly #limitBytes: number;
  /** At the first block, it is looked what is there from before. */
  #addedBytes = Infinity;
  #look: Promise<void> | undefined;

  constructor({ folder, limitBytes }: { folder: BlockFolder; limitBytes: number }) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Says that a block was written. */
  added(sizeBytes: number): void {
    this.#addedBytes += sizeBytes;
    if (this.#addedBytes < this.#limitBytes * LOOK_AFTER || this.#look) return;
    this.#addedBytes = 0;
    this.#look = this.#makeRoom(this.#limitBytes).finally(() => (this.#look = undefined));
  }

  /** Says that the disk has no room for the next block. */
  full(): void {
    this.#look ??= this.#makeHalf().finally(() => (this.#look = undefined));
  }

  /** Resolves when no block is being removed. */
  async idle(): Promise<void> {
    await this.#look;
  }

  async #makeHalf(): Promise<void> {
    let sizeBytes = 0;
    for await (const block of this.#folder.list()) sizeBytes += block.sizeBytes;
    await this.#makeRoom(sizeBytes / 2);
  }

  async #makeRoom(limitBytes: number): Promise<void> {
    const blocks: StoredBlock[] = [];
    for await (const block of this.#folder.list()) blocks.push(block);
    let sizeBytes = blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
    if (sizeBytes <= limitBytes) return;
    for (const block of blocks.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (sizeBytes <= limitBytes * KEPT) return;
      await rm(block.path, { force: true });
      sizeBytes -= block.sizeBytes;
    }
  }
}

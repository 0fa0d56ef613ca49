import { BLOCK_BYTES, ExecutionError, type VolumeFile } from '@gantry/protocol';

import { BlockLoads, type HeldBlock } from './block-memory.ts';
import type { BlockReader } from './block-source.ts';

export interface FileReadsOptions {
  /** Of blocks that were read last or will be next. @defaultValue 96 MiB */
  memoryBytes?: number | undefined;
  /** Blocks that are read ahead of one reader, at most. @defaultValue 4 */
  readAhead?: number | undefined;
}

const MEMORY_BYTES = 96 * 1024 * 1024;
const READ_AHEAD = 4;
/** Of all readers together. */
const MOST_AHEAD = 12;
const REMEMBERED_FILES = 1024;

/** A part of a file. */
export interface FileBytes {
  /** One after the other they are what was read. */
  parts: Uint8Array[];
  /** To be called when nobody looks at them any more: others are put there then. */
  release(): void;
}

/** Reads parts of files, and what will come next where a file is read in order. */
export class FileReads {
  readonly #blocks: BlockReader;
  readonly #memoryBytes: number;
  readonly #readAhead: number;
  /** The ones used last at the end. */
  readonly #memory = new Map<string, HeldBlock>();
  #usedBytes = 0;
  readonly #loads = new BlockLoads();
  /** By a file's first block, the one that was read last and how far to read ahead of it. */
  readonly #progress = new Map<string, { block: number; ahead: number }>();
  #ahead = 0;

  constructor(blocks: BlockReader, options: FileReadsOptions = {}) {
    this.#blocks = blocks;
    this.#memoryBytes = options.memoryBytes ?? MEMORY_BYTES;
    this.#readAhead = options.readAhead ?? READ_AHEAD;
  }

  /**
   * Reads a range of a file; fewer bytes than asked for only at its end.
   *
   * @throws NotFoundError, ExecutionError for damage, or what kept the store from being reached.
   */
  async read(file: VolumeFile, offset: number, sizeBytes: number): Promise<FileBytes> {
    const end = Math.min(offset + sizeBytes, file.sizeBytes);
    if (offset >= end) return { parts: [], release: () => undefined };
    const first = Math.floor(offset / BLOCK_BYTES);
    const last = Math.floor((end - 1) / BLOCK_BYTES);
    const loads = Array.from({ length: last - first + 1 }, (_, index) => this.#block(file, first + index));
    this.#prefetch(file, first, last);
    const blocks = await allOrNone(loads);
    const parts = blocks.map(({ bytes }, index) => {
      const start = (first + index) * BLOCK_BYTES;
      return bytes.subarray(Math.max(0, offset - start), Math.min(bytes.length, end - start));
    });
    return { parts, release: () => blocks.forEach((block) => block.release()) };
  }

  async #block(file: VolumeFile, index: number): Promise<HeldBlock> {
    const digest = file.blocks[index];
    const sizeBytes = Math.min(BLOCK_BYTES, file.sizeBytes - index * BLOCK_BYTES);
    if (digest === undefined) throw new ExecutionError(`the file has no block ${index}`);
    const block = this.#kept(digest) ?? (await this.#load(digest, sizeBytes));
    const { length } = block.bytes;
    if (length === sizeBytes) return block;
    block.release();
    throw new ExecutionError(`block "${digest}" has ${length} bytes, its file says ${sizeBytes}`);
  }

  #kept(digest: string): HeldBlock | undefined {
    const block = this.#memory.get(digest);
    if (!block) return undefined;
    this.#memory.delete(digest);
    this.#memory.set(digest, block);
    block.hold();
    return block;
  }

  #load(digest: string, sizeBytes: number): Promise<HeldBlock> {
    return this.#loads.join(digest, async () =>
      this.#keep(digest, await this.#blocks.read(digest, sizeBytes)),
    );
  }

  #keep(digest: string, block: HeldBlock): HeldBlock {
    block.hold();
    this.#memory.set(digest, block);
    this.#usedBytes += block.bytes.length;
    for (const [oldest, kept] of this.#memory) {
      if (this.#usedBytes <= this.#memoryBytes) break;
      this.#memory.delete(oldest);
      this.#usedBytes -= kept.bytes.length;
      kept.release();
    }
    return block;
  }

  /** Loads the next blocks of a file that is read in order, more of them the longer it is. */
  #prefetch(file: VolumeFile, first: number, last: number): void {
    const ahead = this.#aheadOf(file, first, last);
    for (let index = last + 1; index <= last + ahead && this.#ahead < MOST_AHEAD; index++) {
      const digest = file.blocks[index];
      if (digest === undefined) return;
      if (this.#memory.has(digest) || this.#loads.has(digest)) continue;
      this.#ahead++;
      // Whoever reads it later hears of what was wrong.
      void this.#block(file, index)
        .then((block) => block.release())
        .catch(() => undefined)
        .finally(() => this.#ahead--);
    }
  }

  #aheadOf({ blocks }: VolumeFile, first: number, last: number): number {
    const [id = ''] = blocks;
    const before = this.#progress.get(id);
    this.#progress.delete(id);
    // The kernel has several reads at a time under way, not always in order.
    const isNext = before ? Math.abs(first - before.block) <= 1 : first === 0;
    if (!isNext) return 0;
    const block = Math.max(last, before?.block ?? 0);
    const grown = before && block > before.block ? before.ahead * 2 : (before?.ahead ?? 1);
    const ahead = Math.min(this.#readAhead, grown);
    this.#progress.set(id, { block, ahead });
    const [oldest] = this.#progress.keys();
    if (this.#progress.size > REMEMBERED_FILES && oldest !== undefined) this.#progress.delete(oldest);
    return ahead;
  }
}

/** If one cannot be had, the others are released. */
async function allOrNone(loads: readonly Promise<HeldBlock>[]): Promise<HeldBlock[]> {
  try {
    return await Promise.all(loads);
  } catch (error) {
    for (const load of loads)
      void load.then(
        (block) => block.release(),
        () => undefined,
      );
    throw error;
  }
}

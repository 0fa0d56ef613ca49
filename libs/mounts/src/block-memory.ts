import { BLOCK_BYTES } from '@gantry/protocol';

/** Smaller blocks are left to the collector of garbage. */
const LARGE_BYTES = BLOCK_BYTES / 2;

/** A block in memory, which stays what it is as long as somebody holds it. */
export interface HeldBlock {
  readonly bytes: Uint8Array;
  /** To be released once more. */
  hold(): void;
  /** Whoever got it, or held it, does not look at it any more. */
  release(): void;
}

/** Memory that a block is read into, by whoever holds it first. */
export interface BlockPlace extends HeldBlock {
  /** Says that the block has fewer bytes, or is elsewhere. */
  bytes: Uint8Array;
}

/**
 * Memory of large blocks, which is used again. Left to the collector of garbage, each block makes it search all memory
 * the sooner, and has the kernel fill other pages with zeros.
 *
 * Invariants
 *   P1. A place is in use by one block at a time, from `place` until the last who holds it releases it.
 */
export class BlockMemory {
  readonly #free: Uint8Array[] = [];
  readonly #mostFree: number;

  /** @param mostFree Places that are kept for later. */
  constructor(mostFree = 32) {
    this.#mostFree = mostFree;
  }

  /** Memory of this size, held by the caller. */
  place(sizeBytes: number): BlockPlace {
    if (sizeBytes < LARGE_BYTES || sizeBytes > BLOCK_BYTES)
      return heldBlock(Buffer.allocUnsafeSlow(sizeBytes));
    const whole = this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return heldBlock(whole.subarray(0, sizeBytes), () => {
      if (this.#free.length < this.#mostFree) this.#free.push(whole);
    });
  }
}

/** Bytes as a block, held by the caller. */
export function heldBlock(bytes: Uint8Array, free: () => void = () => undefined): BlockPlace {
  let holders = 1;
  return {
    bytes,
    hold: () => {
      if (holders === 0) throw new RangeError('a block that was released is held again');
      holders++;
    },
    release: () => {
      if (holders === 0) throw new RangeError('a block was released more often than it was held');
      if (--holders === 0) free();
    },
  };
}

/** Loads of blocks that any number of readers wait for; each of them gets the block held. */
export class BlockLoads {
  readonly #loads = new Map<string, { readers: { count: number }; block: Promise<HeldBlock> }>();

  has(digest: string): boolean {
    return this.#loads.has(digest);
  }

  /** Joins the load of this block, or begins it. */
  join(digest: string, load: () => Promise<HeldBlock>): Promise<HeldBlock> {
    const present = this.#loads.get(digest);
    if (present) {
      present.readers.count++;
      return present.block;
    }
    const readers = { count: 1 };
    const block = load()
      .then((loaded) => {
        // At once for all, of whom the first has it held: others may be in its place when they come to look at it.
        for (let more = readers.count - 1; more > 0; more--) loaded.hold();
        this.#loads.delete(digest);
        return loaded;
      })
      .catch((error: unknown) => {
        this.#loads.delete(digest);
        throw error;
      });
    this.#loads.set(digest, { readers, block });
    return block;
  }
}

import { setTimeout as delay } from 'node:timers/promises';

import { isGantryError } from '@gantry/protocol';

import type { BlockFolder } from './block-folder.ts';
import { BlockLoads, type HeldBlock } from './block-memory.ts';
import type { BlockReader, BlockSource } from './block-source.ts';
import { CacheRoom } from './cache-room.ts';

export interface BlockCacheParts {
  source: BlockSource;
  folder: BlockFolder;
  /** Of the folder. */
  limitBytes: number;
  /** How long a block is asked for again where the store cannot be reached. @defaultValue 30_000 */
  patienceMs?: number | undefined;
  warn: (message: string) => void;
}

const PATIENCE_MS = 30_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
const MOST_WRITES = 8;
/** A block in use is marked so this often. */
const TOUCH_EVERY_MS = 3600 * 1000;
const REMEMBERED = 250_000;

/**
 * Blocks of a store, kept on local disk. Processes share the folder.
 *
 * Invariants
 *   B1. A block is fetched once, however many ask for it at a time.
 *   B2. What is wrong with the folder (damage, no room) costs time, never an answer: blocks come from the store then.
 */
export class BlockCache implements BlockReader {
  readonly #parts: BlockCacheParts;
  readonly #room: CacheRoom;
  readonly #loads = new BlockLoads();
  readonly #touched = new Map<string, number>();
  /** Until it is in the folder, a block is here. */
  readonly #writes = new Map<string, { block: HeldBlock; done: Promise<void> }>();
  #hasWarned = false;

  constructor(parts: BlockCacheParts) {
    this.#parts = parts;
    this.#room = new CacheRoom(parts);
  }

  async read(digest: string, sizeBytes?: number): Promise<HeldBlock> {
    const present = this.#writes.get(digest)?.block;
    present?.hold();
    return present ?? this.#loads.join(digest, () => this.#load(digest, sizeBytes));
  }

  /** Resolves when what was fetched is in the folder, as far as it could be. */
  async idle(): Promise<void> {
    await Promise.all([...this.#writes.values()].map(({ done }) => done));
    await this.#room.idle();
  }

  async #stored(digest: string, sizeBytes?: number): Promise<HeldBlock | undefined> {
    const { folder, warn } = this.#parts;
    try {
      await this.#touch(digest);
      const found = await folder.read(digest, sizeBytes);
      if (found !== 'damaged') return found;
      warn(`block "${digest}" was damaged on this machine's disk and is fetched anew`);
      await folder.remove(digest);
    } catch (error) {
      this.#warnOnce(`blocks cannot be read from this machine's disk: ${(error as Error).message}`);
    }
    return undefined;
  }

  async #touch(digest: string): Promise<void> {
    const nowMs = Date.now();
    const last = this.#touched.get(digest);
    if (last !== undefined && nowMs - last < TOUCH_EVERY_MS) return;
    this.#touched.delete(digest);
    this.#touched.set(digest, nowMs);
    const [oldest] = this.#touched.keys();
    if (this.#touched.size > REMEMBERED && oldest !== undefined) this.#touched.delete(oldest);
    await this.#parts.folder.touch(digest, nowMs);
  }

  async #load(digest: string, sizeBytes?: number): Promise<HeldBlock> {
    const present = await this.#stored(digest, sizeBytes);
    if (present) return present;
    while (this.#writes.size >= MOST_WRITES)
      await Promise.race([...this.#writes.values()].map(({ done }) => done));
    const block = this.#parts.folder.memory.place(sizeBytes ?? 0);
    try {
      block.bytes = await this.#ask(digest, block.bytes);
    } catch (error) {
      block.release();
      throw error;
    }
    this.#touched.set(digest, Date.now());
    this.#writeLater(digest, block);
    return block;
  }

  #writeLater(digest: string, block: HeldBlock): void {
    block.hold();
    const done = this.#write(digest, block.bytes).finally(() => {
      this.#writes.delete(digest);
      block.release();
    });
    this.#writes.set(digest, { block, done });
  }

  /** Asks again while the store cannot be reached. */
  async #ask(digest: string, into: Uint8Array): Promise<Uint8Array> {
    const { source, patienceMs = PATIENCE_MS, warn } = this.#parts;
    const endMs = performance.now() + patienceMs;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await source.getBytes(digest, into);
      } catch (error) {
        const mayPass = isGantryError(error) && error.retryable;
        if (!mayPass || performance.now() + pauseMs > endMs) throw error;
        if (pauseMs === FIRST_PAUSE_MS) warn(`block "${digest}" is asked for again: ${error.message}`);
        await delay(pauseMs);
      }
    }
  }

  async #write(digest: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#parts.folder.write(digest, bytes);
      this.#room.added(bytes.length);
    } catch (error) {
      this.#room.full();
      this.#warnOnce(`blocks cannot be kept on this machine's disk: ${(error as Error).message}`);
    }
  }

  #warnOnce(message: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#parts.warn(message);
  }
}

import {
  BLOCK_BYTES,
  InvalidError,
  type VolumeChange,
  type VolumeEntry,
  type VolumeFile,
} from '@gantry/protocol';

import { BlockPresence } from './block-presence.ts';
import type { VolumeBlobs } from './volume-blobs.ts';

const STORED_AT_ONCE = 32;
/** Sizes of pieces that are remembered, for the commit that comes after their upload. */
const REMEMBERED = 100_000;

/** The pieces of files in the store, and whether they are there. */
export class Pieces {
  readonly #blobs: VolumeBlobs;
  readonly #presence: BlockPresence;
  readonly #sizes = new Map<string, number>();

  constructor(blobs: VolumeBlobs, pause: (ms: number) => Promise<void>) {
    this.#blobs = blobs;
    this.#presence = new BlockPresence({ inventory: blobs, nowMs: Date.now, pause });
  }

  /**
   * Stores pieces under the digests that they have.
   *
   * @throws InvalidError for anything but a list of at most 4 MiB each.
   */
  async putAll(pieces: unknown): Promise<void> {
    if (!Array.isArray(pieces) || !pieces.every((piece) => piece instanceof Uint8Array))
      throw new InvalidError('"pieces" must be a list of bytes');
    const large = pieces.find((piece) => piece.length > BLOCK_BYTES);
    if (large)
      throw new InvalidError(`a piece of a file has at most ${BLOCK_BYTES} bytes, not ${large.length}`);
    for (let at = 0; at < pieces.length; at += STORED_AT_ONCE) {
      const stored = pieces.slice(at, at + STORED_AT_ONCE).map(async (piece: Uint8Array) => {
        const { digest } = await this.#blobs.putBytes(piece);
        this.#presence.stored(digest);
        this.#remember(digest, piece.length);
      });
      await Promise.all(stored);
    }
  }

  /** Those of some pieces that have to be uploaded. */
  missing(digests: readonly string[]): Promise<string[]> {
    return this.#presence.missing(digests);
  }

  /**
   * Checks what a client wants to commit: every file has its pieces, the store has them, and they are as long as they
   * must be.
   *
   * @throws InvalidError naming the first path that is wrong.
   */
  async check(changes: unknown): Promise<VolumeChange[]> {
    if (!Array.isArray(changes)) throw new InvalidError('a commit must have a list of changes');
    for (const change of changes as unknown[]) {
      const { path, entry } = (change ?? {}) as Partial<VolumeChange>;
      if (typeof path !== 'string') throw new InvalidError('a change must have a path');
      if (entry !== undefined && !isEntry(entry))
        throw new InvalidError(`the entry for "${path}" is no file, directory or link`);
    }
    const checked = changes as VolumeChange[];
    const missing = await this.#presence.missingForCommit(
      checked.flatMap(({ entry }) => (entry?.type === 'file' ? entry.blocks : [])),
    );
    if (missing.length > 0) {
      throw new InvalidError(`${missing.length} pieces of files were not uploaded`, {
        hint: 'Upload them, then commit.',
        details: { missing: missing.slice(0, 100) },
      });
    }
    for (const { path, entry } of checked) if (entry?.type === 'file') await this.#checkSizes(path, entry);
    return checked;
  }

  /** Whoever reads relies on where a piece begins. */
  async #checkSizes(path: string, { sizeBytes, blocks }: VolumeFile): Promise<void> {
    const last = sizeBytes - (blocks.length - 1) * BLOCK_BYTES;
    for (let at = 0; at < blocks.length; at += STORED_AT_ONCE) {
      const sizes = await Promise.all(
        blocks.slice(at, at + STORED_AT_ONCE).map((digest) => this.#sizeOf(digest)),
      );
      const wrong = sizes.findIndex(
        (size, offset) => size !== (at + offset === blocks.length - 1 ? last : BLOCK_BYTES),
      );
      if (wrong === -1) continue;
      throw new InvalidError(`the pieces of "${path}" do not make ${sizeBytes} bytes`, {
        hint: `Piece ${at + wrong} has ${sizes[wrong] ?? 0} bytes: upload the file anew.`,
      });
    }
  }

  async #sizeOf(digest: string): Promise<number | undefined> {
    const known = this.#sizes.get(digest);
    if (known !== undefined) return known;
    const size = await this.#blobs.sizeBytes(digest);
    if (size !== undefined) this.#remember(digest, size);
    return size;
  }

  #remember(digest: string, size: number): void {
    this.#sizes.set(digest, size);
    const [oldest] = this.#sizes.keys();
    if (this.#sizes.size > REMEMBERED && oldest !== undefined) this.#sizes.delete(oldest);
  }
}

function isEntry(entry: VolumeEntry): boolean {
  if (!Number.isFinite(entry.mtimeMs)) return false;
  switch (entry.type) {
    case 'link':
      return typeof entry.target === 'string';
    case 'directory':
      return isMode(entry.mode);
    case 'file': {
      const { mode, sizeBytes, blocks } = entry;
      if (!isMode(mode) || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || !isDigestList(blocks))
        return false;
      return blocks.length === Math.ceil(sizeBytes / BLOCK_BYTES);
    }
    default:
      return false;
  }
}

function isMode(mode: unknown): boolean {
  return Number.isInteger(mode) && Number(mode) >= 0 && Number(mode) <= 0o7777;
}

export function isDigestList(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' && /^sha256-[0-9a-f]{64}$/.test(each))
  );
}

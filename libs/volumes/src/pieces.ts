import { BLOCK_BYTES, InvalidError, type VolumeChange, type VolumeEntry } from '@gantry/protocol';

import { BlockPresence } from './block-presence.ts';
import type { VolumeBlobs } from './volume-blobs.ts';

const STORED_AT_ONCE = 32;

/** The pieces of files in the store, and whether they are there. */
export class Pieces {
  readonly #blobs: VolumeBlobs;
  readonly #presence: BlockPresence;

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
      const stored = pieces.slice(at, at + STORED_AT_ONCE).map((piece) => this.#blobs.putBytes(piece));
      for (const { digest } of await Promise.all(stored)) this.#presence.stored(digest);
    }
  }

  /** Those of some pieces that have to be uploaded. */
  missing(digests: readonly string[]): Promise<string[]> {
    return this.#presence.missing(digests);
  }

  /**
   * Checks what a client wants to commit: every file has its pieces, and the store has them.
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
    if (missing.length === 0) return checked;
    throw new InvalidError(`${missing.length} pieces of files were not uploaded`, {
      hint: 'Upload them, then commit.',
      details: { missing: missing.slice(0, 100) },
    });
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

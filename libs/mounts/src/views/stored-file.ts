import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { BLOCK_BYTES } from '@gantry/protocol';
import type { VolumeBlobs } from '@gantry/volumes';

const MOST_READINGS = 5;
const PAUSE_MS = 20;
/** A store answers when what it got is on disk: it waits for several as long as for one. */
const BLOCKS_AT_ONCE = 4;
export const TICK_MS = 12;

/** A part of an open file, in bytes. */
export interface FilePart {
  file: FileHandle;
  start: number;
  length: number;
}

/** Where the content of files goes. */
export interface FileBlobs extends Pick<VolumeBlobs, 'putBytes'> {
  /**
   * Stores what is in a part of a file, up to its end if that comes first. The file is open until it resolves.
   *
   * @defaultValue the part is read, and put as bytes
   */
  putPart?(part: FilePart): Promise<{ digest: string }>;
}

/** A file whose content is in the store, as it was at one moment. */
export interface StoredFile {
  sizeBytes: number;
  blocks: string[];
  /** Of that moment or before: whatever comes later makes it differ from the file's. */
  stats: BigIntStats;
}

/**
 * Stores the content of a file that somebody may write at the same time. What is stored was in the file at one moment: it
 * was not written while it was read, or two readings in a row gave the same. Of a file that only grows that is what it
 * began with.
 *
 * @returns Undefined for a file that is written all the time.
 */
export async function storeFile(file: FileHandle, blobs: FileBlobs): Promise<StoredFile | undefined> {
  let before: StoredFile | undefined;
  for (let reading = 0; reading < MOST_READINGS; reading++) {
    const stats = await restingStats(file);
    const sizeBytes = before ? Math.min(before.sizeBytes, Number(stats.size)) : Number(stats.size);
    const blocks = await storeBlocks(file, sizeBytes, blobs);
    const after = await file.stat({ bigint: true });
    const stored = { sizeBytes, blocks, stats };
    if (isSame(stats, after)) {
      if (sizeBytes === Number(stats.size)) return stored;
      // It grew before, and rests now.
      before = undefined;
      continue;
    }
    if (before && before.sizeBytes === sizeBytes && before.blocks.join() === blocks.join()) return before;
    before = stored;
    await delay(PAUSE_MS * reading);
  }
  return undefined;
}

/** True if nothing was written, and no attribute changed, between the two. */
export function isSame(left: BigIntStats, right: BigIntStats): boolean {
  return (
    left.ino === right.ino &&
    left.size === right.size &&
    left.mtimeNs === right.mtimeNs &&
    left.ctimeNs === right.ctimeNs &&
    left.mode === right.mode
  );
}

/** What was written less than a tick of the kernel's clock ago could be written again without a trace. */
async function restingStats(file: FileHandle): Promise<BigIntStats> {
  const stats = await file.stat({ bigint: true });
  const ageMs = Date.now() - Number(stats.ctimeMs);
  if (ageMs < 0 || ageMs > TICK_MS) return stats;
  await delay(TICK_MS - ageMs + 1);
  return file.stat({ bigint: true });
}

async function storeBlocks(file: FileHandle, sizeBytes: number, blobs: FileBlobs): Promise<string[]> {
  const storing: Promise<{ digest: string }>[] = [];
  try {
    for (let start = 0; start < sizeBytes; start += BLOCK_BYTES) {
      await storing.at(-BLOCKS_AT_ONCE);
      const put = putPart(blobs, { file, start, length: Math.min(BLOCK_BYTES, sizeBytes - start) });
      // Awaited later; until then its failure is nobody's.
      put.catch(() => undefined);
      storing.push(put);
    }
    return (await Promise.all(storing)).map(({ digest }) => digest);
  } finally {
    // The file is theirs until then.
    await Promise.allSettled(storing);
  }
}

async function putPart(blobs: FileBlobs, part: FilePart): Promise<{ digest: string }> {
  return blobs.putPart ? blobs.putPart(part) : blobs.putBytes(await readPiece(part));
}

/** Shorter if the file is. */
async function readPiece({ file, start, length }: FilePart): Promise<Uint8Array> {
  const piece = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(piece, filled, length - filled, start + filled);
    if (bytesRead === 0) return piece.subarray(0, filled);
    filled += bytesRead;
  }
  return piece;
}

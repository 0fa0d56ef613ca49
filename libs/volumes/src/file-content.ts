import { BLOCK_BYTES, InvalidError, type VolumeFile } from '@gantry/protocol';

import type { VolumeBlobs } from './volume-blobs.ts';

/** A part of a file, in bytes; the end is not in it. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Streams a file, or a part of it, piece by piece: one piece in memory, and the next on its way. */
export async function* fileContent(
  blobs: VolumeBlobs,
  { blocks, sizeBytes }: VolumeFile,
  { start, end }: ByteRange = { start: 0, end: sizeBytes },
): AsyncGenerator<Uint8Array> {
  if (end <= start) return;
  const first = Math.floor(start / BLOCK_BYTES);
  const last = Math.floor((end - 1) / BLOCK_BYTES);
  const read = (index: number) => {
    const digest = blocks[index];
    const piece = digest === undefined ? Promise.resolve(undefined) : blobs.getBytes(digest);
    // Whoever awaits it hears of a failure; nobody does if the reader leaves.
    piece.catch(() => undefined);
    return piece;
  };
  let next = read(first);
  for (let index = first; index <= last; index++) {
    const piece = await next;
    if (index < last) next = read(index + 1);
    if (!piece) throw new InvalidError('the file has fewer pieces than its size says');
    const offset = index * BLOCK_BYTES;
    yield piece.subarray(Math.max(0, start - offset), Math.min(piece.length, end - offset));
  }
}

/**
 * Reads a `Range` header of a file of this size; undefined where there is none, or one that asks for several parts,
 * which the whole file answers.
 *
 * @throws InvalidError for a range that the file does not have.
 */
export function readRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, from = '', to = ''] = found ?? [];
  if (!found || (from === '' && to === '')) return undefined;
  const start = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const end = from === '' || to === '' ? sizeBytes : Math.min(sizeBytes, Number(to) + 1);
  if (start < end) return { start, end };
  throw new InvalidError(`the range "${header}" is not in the file, which has ${sizeBytes} bytes`);
}

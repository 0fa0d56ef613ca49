import type { FilePart } from './blob-store.ts';

/** What is in a part of a file: shorter if the file is. */
export async function readPart({ file, start, length }: FilePart): Promise<Uint8Array> {
  const part = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(part, filled, length - filled, start + filled);
    if (bytesRead === 0) return part.subarray(0, filled);
    filled += bytesRead;
  }
  return part;
}

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 4 * 1024 * 1024;
const AT_ONCE = 8;

/** What files of a size have in them, one for each that is written at a time: made before the clock runs. */
export function contentsOf(fileBytes: number): Buffer[] {
  const random = randomBytes(fileBytes);
  return Array.from({ length: AT_ONCE }, () => Buffer.from(random));
}

/** Writes files of which no two blocks are equal, nor equal to those of another time, several at a time. */
export async function writeFiles(folder: string, files: number, contents: readonly Buffer[]): Promise<void> {
  let next = 0;
  const lane = async (content: Buffer): Promise<void> => {
    for (let index = next++; index < files; index = next++) {
      for (let at = 0; at < content.length; at += BLOCK_BYTES) content.writeUInt32LE(index, at);
      await writeFile(join(folder, String(index)), content);
    }
  };
  await Promise.all(contents.map(lane));
}

import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants as zlibConstants, createGzip } from 'node:zlib';

import { tarEnd, tarHeader, tarPadding } from '../tar.ts';
import type { ArchiveFile } from './local-files.ts';

/** A file was written to while it was packed. */
export class ChangedFile extends Error {
  readonly path: string;

  constructor(path: string) {
    super(`"${path}" changed while it was packed`);
    this.path = path;
  }
}

/**
 * Packs files into a `tar.gz`: the same files give the same bytes.
 *
 * @throws {@link ChangedFile} if one of them changed since it was found.
 */
export async function writeFileArchive(files: readonly ArchiveFile[], path: string): Promise<void> {
  const gzip = createGzip({ level: zlibConstants.Z_BEST_SPEED });
  await pipeline(Readable.from(blocksOf(files)), gzip, createWriteStream(path));
  for (const file of files) if (!(await isUnchanged(file))) throw new ChangedFile(file.path);
}

/** Whether a file is as it was when it was found, by its size and time. */
export async function isUnchanged({
  path,
  sizeBytes,
  modifiedMs,
  linkTarget,
}: ArchiveFile): Promise<boolean> {
  if (linkTarget !== undefined) return true;
  const facts = await stat(path).catch(() => undefined);
  return facts?.size === sizeBytes && facts.mtimeMs === modifiedMs;
}

async function* blocksOf(files: readonly ArchiveFile[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const { name, executable, sizeBytes, linkTarget } = file;
    yield* tarHeader({ path: name, executable, sizeBytes, linkTarget });
    if (linkTarget !== undefined) continue;
    yield* contentOf(file);
    yield tarPadding(sizeBytes);
  }
  yield tarEnd();
}

async function* contentOf(file: ArchiveFile): AsyncGenerator<Uint8Array> {
  let read = 0;
  try {
    for await (const chunk of createReadStream(file.path)) {
      read += (chunk as Buffer).length;
      if (read > file.sizeBytes) break;
      yield chunk as Buffer;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (read !== file.sizeBytes) throw new ChangedFile(file.path);
}

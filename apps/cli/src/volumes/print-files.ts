import { once } from 'node:events';
import type { Writable } from 'node:stream';

import type { FileEntry, Volume } from 'gantry';

/**
 * Writes the contents of files one after the other, as fast as they are read. Of directories it is their files: a link in
 * one leads to what is written already, or to nothing.
 */
export async function printFiles(
  volume: Volume,
  entries: readonly FileEntry[],
  { out, signal }: { out: Writable; signal: AbortSignal },
): Promise<void> {
  for (const { path, type } of entries) {
    if (type === 'directory' || (type === 'link' && entries.length > 1)) continue;
    for await (const chunk of volume.readFile(path)) {
      signal.throwIfAborted();
      if (!out.write(chunk)) await once(out, 'drain', { signal });
    }
  }
}

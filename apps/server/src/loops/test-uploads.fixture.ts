import { digestOf } from '@gantry/blobs';
import type { VolumeEntry } from '@gantry/protocol';
import type { Pieces, VolumeDirectory } from '@gantry/volumes';

export interface TestUpload {
  directory: VolumeDirectory;
  pieces: Pieces;
  volumeId: string;
  /** By path, of one piece each. */
  files: ReadonlyMap<string, Uint8Array>;
  /** Of all files. @defaultValue 0 */
  mtimeMs?: number;
}

/** Uploads files as the command line does it: asks what is missing, uploads that, commits. */
export async function upload({ directory, pieces, volumeId, files, mtimeMs = 0 }: TestUpload): Promise<void> {
  const changes = Array.from(files, ([path, bytes]) => {
    const blocks = [digestOf(bytes)];
    const entry: VolumeEntry = { type: 'file', mode: 0o644, mtimeMs, sizeBytes: bytes.length, blocks };
    return { path, entry };
  });
  const missing = new Set(await pieces.missing(changes.flatMap(({ entry }) => entry.blocks)));
  await pieces.putAll([...files.values()].filter((bytes) => missing.has(digestOf(bytes))));
  const checked = await pieces.check(changes);
  await directory.store.commit(volumeId, () => checked);
}

import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import { isInMemory } from '../in-memory.ts';
import { OwnedRecords } from '../owned-records.ts';
import { RUN_FOLDER } from '../run-folder.ts';

const OWNERS_FOLDER = join(RUN_FOLDER, 'memory-owners');

/**
 * Makes a folder for what is written for each container, is small, and of no use when this process is gone: in memory, if
 * there is such a file system. On a disk, making and removing its files costs a start more than anything else of it does.
 *
 * @returns Its path, which is short. Nobody else may enter.
 */
export function openMemoryFolder(): string {
  const inRun = join(RUN_FOLDER, 'memory');
  mkdirSync(inRun, { recursive: true });
  chmodSync(inRun, 0o755);
  const base = [inRun, '/dev/shm'].find(isInMemory) ?? inRun;
  const folder = join(base, `gantry-${randomBytes(6).toString('hex')}`);
  owners().add(basename(folder), { folder });
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

export function removeMemoryFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  owners().remove(basename(folder));
}

/** Takes away those of processes that are gone. Once their containers are. */
export async function removeStaleMemoryFolders(): Promise<void> {
  await owners().reconcile(({ folder }) => {
    rmSync(folder, { recursive: true, force: true });
    return Promise.resolve(true);
  });
}

function owners(): OwnedRecords<{ folder: string }> {
  return new OwnedRecords(OWNERS_FOLDER);
}

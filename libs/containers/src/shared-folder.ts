import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import { isInMemory } from './in-memory.ts';
import { OwnedRecords } from './owned-records.ts';
import { RUN_FOLDER } from './run-folder.ts';

/**
 * Makes a folder in memory for files that processes of one user share on a machine: a file in one such folder can be linked
 * into another one. Nobody else may enter.
 *
 * @returns Its path; undefined where there is no such file system, or this process may not use it.
 */
export function openSharedFolder(): string | undefined {
  const base = findBase();
  if (base === undefined) return undefined;
  const folder = join(base, `gantry-${randomBytes(6).toString('hex')}`);
  ownersIn(base).add(basename(folder), {});
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

export function removeSharedFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  ownersIn(join(folder, '..')).remove(basename(folder));
}

/** Takes away those of processes that are gone. */
export async function removeStaleSharedFolders(): Promise<void> {
  const base = findBase();
  if (base === undefined) return;
  await ownersIn(base).reconcile((_, name) => {
    rmSync(join(base, name), { recursive: true, force: true });
    return Promise.resolve(true);
  });
}

function ownersIn(base: string): OwnedRecords<object> {
  return new OwnedRecords(join(base, 'owners'));
}

function findBase(): string | undefined {
  const user = process.getuid?.() ?? 0;
  return [join(RUN_FOLDER, 'shared'), `/dev/shm/gantry-${user}`].find((base) => isOurs(base, user));
}

// Anybody may make a folder in `/dev/shm`, so what is there may be somebody else's.
function isOurs(base: string, user: number): boolean {
  try {
    mkdirSync(base, { recursive: true, mode: 0o700 });
    const found = lstatSync(base);
    if (found.uid !== user || !found.isDirectory() || !isInMemory(base)) return false;
    chmodSync(base, 0o700);
    return true;
  } catch {
    return false;
  }
}

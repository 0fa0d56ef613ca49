import { statfsSync } from 'node:fs';

/** The type that `statfs` has for file systems in memory. */
const TMPFS = 0x0102_1994;

/** Whether a folder is in a file system in memory; not if it is not there. */
export function isInMemory(folder: string): boolean {
  try {
    return statfsSync(folder).type === TMPFS;
  } catch {
    return false;
  }
}

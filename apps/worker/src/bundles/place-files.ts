import { lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { InvalidError } from '@gantry/protocol';

/** A folder of this machine, and where a container finds what is in it. */
export interface FilesToPlace {
  source: string;
  /** Relative to the container's working directory. */
  remotePath: string;
}

/**
 * Shows folders of this machine in the working directory of a container that has no file system of its own: as links,
 * each to as much as possible at once. What several of them hold lies side by side; of two with one name the later wins.
 *
 * @throws InvalidError for an absolute path, which belongs to the machine.
 */
export async function placeFiles(directory: string, files: readonly FilesToPlace[]): Promise<void> {
  for (const { source, remotePath } of files) {
    if (remotePath.startsWith('/')) {
      throw new InvalidError(`"${remotePath}" is a path of the machine: this container has none of its own`, {
        hint: 'Give the files a path without a slash in front, or deploy to workers with images.',
      });
    }
    await merge(source, join(directory, remotePath));
  }
}

async function merge(source: string, target: string): Promise<void> {
  await ownFolder(target);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    const there = await lstat(to).catch(() => undefined);
    if (there && entry.isDirectory() && (await isFolder(to))) {
      await merge(from, to);
      continue;
    }
    if (there) await rm(to, { recursive: true });
    await symlink(from, to);
  }
}

/** Makes a folder, or turns a link to a shared one into a folder with the same content. */
async function ownFolder(path: string): Promise<void> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isDirectory()) return;
  if (!facts) {
    if (dirname(path) !== path) await ownFolder(dirname(path));
    await mkdir(path);
    return;
  }
  const shared = facts.isSymbolicLink() ? await readlink(path) : undefined;
  await rm(path);
  await mkdir(path);
  if (shared !== undefined) await merge(shared, path);
}

async function isFolder(path: string): Promise<boolean> {
  return (await readdir(path).catch(() => undefined)) !== undefined;
}

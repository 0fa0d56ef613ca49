import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { isGantryError } from '@gantry/protocol';

import { isRootless } from './rootless/user-namespace.ts';
import { runTool } from './runc/run-tool.ts';

/**
 * A directory can be renamed though it is in the lower folder, and the upper one holds all of a file's content. In a user
 * namespace the kernel lets programs copy such a directory instead.
 */
const OPTIONS = isRootless()
  ? 'userxattr,index=off,xino=off'
  : 'redirect_dir=on,metacopy=off,index=off,xino=off';

export interface OverlayOptions {
  /** Where it is to be seen: a folder. */
  at: string;
  /** Its folder `lower` is shown; in `upper` and `work`, if there are any, changes go. */
  place: string;
}

/**
 * Shows a folder, and takes changes of it apart. Without an upper folder it is read-only.
 *
 * @throws ContainerError if the system does not do it.
 */
export async function mountOverlay({ at, place }: OverlayOptions): Promise<void> {
  // Relative, as the option takes no path with a colon or a comma. One folder alone is none for overlayfs to show.
  const folders = existsSync(join(place, 'upper'))
    ? `lowerdir=lower,upperdir=upper,workdir=work,volatile,${OPTIONS}`
    : `lowerdir=lower:empty,ro`;
  const options = `${folders},nosuid,nodev`;
  await runTool('env', ['-C', place, 'mount', '-t', 'overlay', 'overlay', '-o', options, at]);
}

/** False if something in it is in use. Without effect where nothing is mounted. */
export async function unmount(at: string): Promise<boolean> {
  if (!mountPointsBelow(at).includes(at)) return true;
  try {
    await runTool('umount', [at]);
    return true;
  } catch (error) {
    if (isGantryError(error) && /busy/.test(error.message)) return false;
    throw error;
  }
}

/** Takes all mounts below a folder away, whoever uses them. */
export async function unmountAll(folder: string): Promise<void> {
  const mounted = mountPointsBelow(folder);
  if (mounted.length > 0) await runTool('umount', ['--lazy', ...mounted.reverse()]);
}

/** Whether overlays can be mounted here, with changes in a folder. */
export async function canMountOverlays(folder: string): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  await mkdir(folder, { recursive: true });
  const place = await mkdtemp(join(folder, 'trial-'));
  const at = join(place, 'at');
  try {
    for (const name of ['lower', 'upper', 'work', 'at']) mkdirSync(join(place, name));
    await mountOverlay({ at, place });
    return true;
  } catch {
    return false;
  } finally {
    await unmountAll(at).catch(() => undefined);
    await rm(place, { recursive: true, force: true });
  }
}

/** Where something is mounted: the folder itself, and what lies in it. */
export function mountPointsBelow(folder: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const points = lines.map((line) => unescaped(line.split(' ')[4] ?? ''));
  return points.filter((point) => point === folder || point.startsWith(`${folder}/`));
}

function unescaped(path: string): string {
  return path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

import { readdir, readFile, readlink } from 'node:fs/promises';
import { relative } from 'node:path';

import { GantryError } from '@gantry/protocol';

/**
 * What of a folder is in use by some process of this machine: a file that is open or mapped, or a working directory. Says
 * nothing on systems without `/proc`.
 *
 * @param folder As the processes see it.
 * @param mountsOf A process in whose view of the file system to look. @defaultValue whichever sees the folder
 */
export async function fileInUse(folder: string, mountsOf?: number): Promise<string | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const view = mountsOf === undefined ? undefined : await linkOf(`/proc/${mountsOf}/ns/mnt`);
  for (const pid of pids) {
    if (Number(pid) === process.pid) continue;
    if (view !== undefined && (await linkOf(`/proc/${pid}/ns/mnt`)) !== view) continue;
    for (const path of await pathsOf(pid)) {
      if (path === folder || path.startsWith(`${folder}/`)) return relative(folder, path);
    }
  }
  return undefined;
}

/** @throws GantryError `CONFLICT` if something of it is in use. */
export async function assertNotInUse(folder: string): Promise<void> {
  const path = await fileInUse(folder);
  if (path !== undefined) throw volumeBusy(path);
}

/** @param path Of what is in use, if it is known; `''` for the folder itself. */
export function volumeBusy(path: string | undefined): GantryError {
  const what = path === undefined ? 'something in it' : path === '' ? 'the folder itself' : `"${path}"`;
  return new GantryError('CONFLICT', `volume busy: ${what} is in use`, {
    hint: 'Close all its files, and leave its directories, before you reload it.',
    details: { path },
  });
}

async function pathsOf(pid: string): Promise<string[]> {
  const folder = `/proc/${pid}`;
  const descriptors = await readdir(`${folder}/fd`).catch(() => []);
  const links = await Promise.all(
    ['cwd', ...descriptors.map((name) => `fd/${name}`)].map((name) => linkOf(`${folder}/${name}`)),
  );
  const maps = await readFile(`${folder}/maps`, 'utf8').catch(() => '');
  const mapped = maps.split('\n').map((line) => line.slice(line.indexOf('/')));
  return [...links.filter((path) => path !== undefined), ...new Set(mapped)];
}

async function linkOf(path: string): Promise<string | undefined> {
  return readlink(path).catch(() => undefined);
}

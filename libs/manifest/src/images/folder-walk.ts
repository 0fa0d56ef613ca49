import { readdir, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path';

import type { ArchiveFile } from './local-files.ts';

/** Which of these paths are left out, and whether all in a folder that is left out is, too. */
export type Ignored = (paths: readonly string[]) => Promise<{ ignored: boolean[]; prunes: boolean }>;

/** The paths that are wanted at all. */
export interface Wanted {
  takes(path: string): boolean;
  leadsTo(folder: string): boolean;
}

export interface FolderWalkOptions {
  /** Absolute path. */
  folder: string;
  ignored: Ignored;
  /** @defaultValue everything */
  wanted?: Wanted | undefined;
  /** Makes the error for a link that leads out of the folder. */
  outside(path: string, target: string): Error;
  /** Told of each folder in which it looked; absolute. */
  onFolder(path: string): void;
}

const EVERYTHING: Wanted = { takes: () => true, leadsTo: () => true };

/** Finds the files and links below a folder. Names are relative to it, with slashes. */
export async function walkFolder(options: FolderWalkOptions, at = ''): Promise<ArchiveFile[]> {
  const { folder, ignored: ask, wanted = EVERYTHING } = options;
  options.onFolder(join(folder, at));
  const entries = (await readdir(join(folder, at), { withFileTypes: true }))
    .map((entry) => ({ entry, path: at === '' ? entry.name : `${at}/${entry.name}` }))
    .filter(({ entry, path }) => (entry.isDirectory() ? wanted.leadsTo(path) : wanted.takes(path)));
  if (entries.length === 0) return [];
  const { ignored, prunes } = await ask(entries.map(({ path }) => path));
  const found: ArchiveFile[] = [];
  for (const [index, { entry, path }] of entries.entries()) {
    const isIgnored = ignored[index] === true;
    if (entry.isDirectory() && !(isIgnored && prunes)) found.push(...(await walkFolder(options, path)));
    if (isIgnored) continue;
    if (entry.isFile()) found.push(await describeLocalFile(join(folder, path), path));
    else if (entry.isSymbolicLink()) found.push(await describeLink(options, path));
  }
  return found;
}

/** What an archive says of a file. */
export async function describeLocalFile(path: string, name: string): Promise<ArchiveFile> {
  const { mode, size, mtimeMs } = await stat(path);
  return { name, path, executable: (mode & 0o100) !== 0, sizeBytes: size, modifiedMs: mtimeMs };
}

async function describeLink({ folder, outside }: FolderWalkOptions, name: string): Promise<ArchiveFile> {
  const path = join(folder, name);
  const target = await readlink(path);
  const way = relative(folder, resolve(dirname(path), normalize(target)));
  if (isAbsolute(target) || way === '..' || way.startsWith(`..${sep}`)) throw outside(name, target);
  const linkTarget = target.split(sep).join('/');
  return { name, path, linkTarget, executable: false, sizeBytes: 0, modifiedMs: 0 };
}

import { dirname, isAbsolute, resolve, sep } from 'node:path';

import type { FilesOrigin } from '@gantry/protocol';
import type { LocalPath } from 'gantry/internal';

import { InstalledPackages } from '../installed-packages.ts';
import { displayPath, type Project } from '../project.ts';

/** What an archive of these paths is made of, named the same on every machine that has the project. */
export function originsOf(paths: readonly LocalPath[], project: Project): FilesOrigin[] {
  return paths.map((local) => ({ path: nameOf(local, project), name: placeOf(local) }));
}

function nameOf({ kind, path }: LocalPath, project: Project): string {
  if (kind === 'source') {
    const found = new InstalledPackages().find(path, dirname(project.entry));
    return found ? displayPath(project, found.root) : path;
  }
  const isFar = isAbsolute(path) && topOf(path) !== topOf(project.root);
  return isFar ? path : displayPath(project, resolve(project.root, path)) || '.';
}

function placeOf({ kind, name }: LocalPath): string {
  return kind === 'source' ? `sources/${name}` : name;
}

function topOf(path: string): string | undefined {
  return path.split(sep)[1];
}

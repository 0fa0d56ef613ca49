import type { PlacedEntry } from '@gantry/volumes';

/** The path of something in a directory of a volume; either may be `''`. */
export function joined(folder: string, path: string): string {
  return folder === '' || path === '' ? folder + path : `${folder}/${path}`;
}

/** The path of an entry as seen from a directory that it is in. */
export function inside(folder: string, { path }: Pick<PlacedEntry, 'path'>): string {
  return folder === '' ? path : path.slice(folder.length + 1);
}

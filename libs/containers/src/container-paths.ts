import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Unix limits the path of a socket to 107 bytes; the client of one may need a few itself. */
const MOST_BYTES = 100;

/** Where a container with this working directory may listen: in there, or beside it all if that path is too long. */
export function socketPathFor(directory: string): string {
  const path = join(directory, 'http.sock');
  if (Buffer.byteLength(path) <= MOST_BYTES) return path;
  return join(tmpdir(), `${basename(directory)}.sock`);
}

/** The identity token of a plain process with this working directory: not in there, where a web server may show it. */
export function identityTokenPathFor(directory: string): string {
  return `${directory}.identity-token`;
}

/** Removes what lies outside the working directory of a container that has ended. */
export async function removeBeside(directory: string): Promise<void> {
  for (const path of [socketPathFor(directory), identityTokenPathFor(directory)])
    await rm(path, { force: true });
}

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

import { basename } from 'node:path';

/**
 * Where a local directory goes, as with `cp -r`: below a target that ends in a slash under its own name; its content alone
 * if it is `.`, or ends in `/.`.
 */
export function directoryPlace(local: string, remote: string): string {
  const name = basename(local);
  const isContent = name === '.' || name === '..';
  return remote.endsWith('/') && !isContent ? `${remote}${name}` : remote;
}

// A key is a path with the lowest character for its slashes, which no name contains: keys sort as a walk through the
// tree comes by them, each directory before what is in it.

const SEPARATOR = '\0';
const AFTER_SEPARATOR = '\u0001';
const AVERAGE_PAGE = 256;

export function keyOf(path: string): string {
  return path.replaceAll('/', SEPARATOR);
}

export function pathOf(key: string): string {
  return key.replaceAll(SEPARATOR, '/');
}

/** Below a directory: from the first key, up to the second. The root is `''`. */
export function keysBelow(key: string): { from: string; to: string | undefined } {
  return key === '' ? { from: '', to: undefined } : { from: key + SEPARATOR, to: key + AFTER_SEPARATOR };
}

/** The first key behind all that is below a directory. */
export function keyAfter(key: string): string {
  return key + AFTER_SEPARATOR;
}

/** The keys of the directories above, the highest first. */
export function keysAbove(key: string): string[] {
  const names = key.split(SEPARATOR).slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join(SEPARATOR));
}

/**
 * True for keys that begin a page, about one of {@link AVERAGE_PAGE}. As the key alone decides, equal trees have equal
 * pages, whatever happened before, and a change touches the page that it is in.
 */
export function beginsPage(key: string): boolean {
  // FNV-1a: even and cheap; whoever picks keys to make large pages slows down their own volume.
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return ((hash ^ (hash >>> 15)) & (AVERAGE_PAGE - 1)) === 0;
}

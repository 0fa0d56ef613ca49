const LARGE_BYTES = 16 * 1024;
/** Not a literal: bundlers would put its entry for Node, and all that this imports, into every bundle of users. */
const WITH_HELPER: string = 'cbor-x';

let isAsked = false;

/**
 * Has cbor-x look for its native helper when the first large message is decoded. The helper reads strings many times
 * faster, but to look for it takes up to 10 ms: too much for every start of a container, nothing beside large messages.
 */
export function speedUpDecoding(bytes: number): void {
  if (isAsked || bytes < LARGE_BYTES) return;
  isAsked = true;
  // Its entry for Node gives the helper to the decoder that is in use already, unless that is in a bundle.
  import(WITH_HELPER).catch(() => undefined);
}

const LARGE_BYTES = 16 * 1024;

let isAsked = false;

/**
 * Has cbor-x look for its native helper when the first large message is decoded. The helper reads strings many times
 * faster, but to look for it takes up to 10 ms: too much for every start of a container, nothing beside large messages.
 */
export function speedUpDecoding(bytes: number): void {
  if (isAsked || bytes < LARGE_BYTES) return;
  isAsked = true;
  // Its entry for Node gives the helper to the decoder that is in use already. Nothing depends on it.
  import('cbor-x').catch(() => undefined);
}
